/// Metrics as sums that take predictions block by block.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <backpass/trainer.hpp>

namespace backpass::train {

template <class T>
class MetricSum {
 public:
  /// \param y  all targets that add() will see: r2 needs their mean \param logits  see compute_metric
  /// \throws std::invalid_argument when the metric does not apply to these targets
  MetricSum(Metric metric, std::size_t outputs, const Targets<T>& y, bool logits, std::span<const T> sample_weight);
  /// Starts anew, for the same targets.
  void reset() noexcept;
  /// Predictions of the rows from first_row on.
  void add(ConstMatrixView<T> a, std::size_t first_row) noexcept;
  /// NaN when no row has weight.
  [[nodiscard]] double value() const noexcept;

 private:
  [[nodiscard]] double weight(std::size_t row) const noexcept {
    return sample_weight_.empty() ? 1.0 : static_cast<double>(sample_weight_[row]);
  }
  [[nodiscard]] bool correct(const T* a, std::size_t row) const noexcept;

  Metric metric_;
  std::size_t outputs_;
  Targets<T> y_;
  bool logits_;
  std::span<const T> sample_weight_;
  double weights_ = 0.0;
  double sum_ = 0.0;
  std::vector<double> mean_, residual_, total_;  ///< per output, for r2
};

}  // namespace backpass::train

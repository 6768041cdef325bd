/// Metrics as sums that take predictions block by block.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <backpass/trainer.hpp>

namespace backpass::train {

/// How accuracy decides.
struct Decision {
  bool logits = false;       ///< the threshold is 0 instead of 1/2
  bool each_output = false;  ///< every output is a label of its own: it has a threshold, and several may be right
  bool shares = false;       ///< the targets may be distributions over classes, not only 0 and 1
};
/// What the outputs mean, by the loss that they are trained with.
[[nodiscard]] Decision decision_for(const Loss& loss) noexcept;

template <class T>
class MetricSum {
 public:
  /// \param y  all targets that add() will see: r2 needs their mean
  /// \throws std::invalid_argument when the metric does not apply to these targets
  MetricSum(Metric metric, std::size_t outputs, const Targets<T>& y, Decision decision,
            std::span<const T> sample_weight);
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
  /// Share of the row's decisions that are right: 0 or 1 unless every output is a label. NaN when an output is NaN.
  [[nodiscard]] double correct(const T* a, std::size_t row) const noexcept;
  void check_classes() const;
  void start_r2();

  Metric metric_;
  std::size_t outputs_;
  Targets<T> y_;
  Decision decision_;
  std::span<const T> sample_weight_;
  double weights_ = 0.0;
  double sum_ = 0.0;
  std::vector<double> mean_, residual_, total_;  ///< per output, for r2
  std::vector<double> shrink_;                   ///< per output: a power of two that keeps r2's squares finite
};

}  // namespace backpass::train

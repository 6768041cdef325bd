/// Metrics as running sums over blocks of predictions.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <backpass/trainer.hpp>

#include "train/row_sums.hpp"

namespace backpass::train {

/// How accuracy interprets outputs and targets.
struct Decision {
  bool logits = false;       ///< true: the threshold is 0 instead of 1/2
  bool each_output = false;  ///< true: every output is a separate binary label with a threshold
  bool shares = false;       ///< true: targets may be distributions over classes, not only 0 and 1
};
/// The interpretation that fits the loss of the training.
[[nodiscard]] Decision decision_for(const Loss& loss) noexcept;

template <class T>
class MetricSum {
 public:
  /// \param y              targets of all rows that add() will receive, because r2 needs their mean: (rows, outputs) or
  ///                       labels (rows)
  /// \param sample_weight  (rows), or empty
  /// \param rows           which rows these are
  /// \throws std::invalid_argument if the metric does not apply to these targets
  MetricSum(Metric metric, std::size_t outputs, const Targets<T>& y, Decision decision,
            std::span<const T> sample_weight, const SharedRows& rows);
  /// Clears the sums and keeps the targets.
  void reset() noexcept;
  /// Adds the predictions of rows [first_row, first_row + a.rows()).
  /// \param a  (any number of rows, outputs)
  void add(ConstMatrixView<T> a, std::size_t first_row);
  /// Adds the sums of all processes. Follows the last add().
  void finish();
  /// The metric of all rows. NaN if the sum of their weights is 0.
  [[nodiscard]] double value() const noexcept { return value_; }

 private:
  [[nodiscard]] double weight(std::size_t row) const noexcept {
    return sample_weight_.empty() ? 1.0 : static_cast<double>(sample_weight_[row]);
  }
  /// Fraction of correct decisions in a row: 0 or 1, unless every output is a separate label. NaN if an output is NaN.
  /// \param a  (outputs), the prediction for the row
  [[nodiscard]] double correct(const T* a, std::size_t row) const noexcept;
  /// \throws std::invalid_argument unless all targets are classes
  void check_classes() const;
  /// Computes the mean of the targets and the scale factors.
  void start_r2();

  /// \param sums  the elements of sums_ that the row adds to
  void add_row(const T* a, std::size_t row, std::span<double> sums) const noexcept;
  [[nodiscard]] double value_of(std::span<const double> sums) const noexcept;
  /// Calls f(row) for every row of y, with polls.
  template <class F>
  void for_rows(F f) const;

  Metric metric_;
  std::size_t outputs_;
  Targets<T> y_;
  Decision decision_;
  std::span<const T> sample_weight_;
  SharedRows rows_;
  RowSums sums_;  ///< weights and terms; for r2 weights, then residuals per output, then totals per output
  double value_ = 0.0;
  std::vector<double> mean_;    ///< per output, for r2
  std::vector<double> shrink_;  ///< per output: a power of two that keeps r2's squares finite
};

}  // namespace backpass::train

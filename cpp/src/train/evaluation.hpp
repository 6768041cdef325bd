/// Computes the loss and the metrics of one data set after every epoch. It works in slices of rows and can be stopped
/// between slices. A slice is so short that a user does not notice the delay.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <backpass/trainer.hpp>

#include "base/function_ref.hpp"
#include "train/metric.hpp"

namespace backpass::train {

template <class T>
class Evaluation {
 public:
  Evaluation(const Network<T>& network, ConstMatrixView<T> x, const Targets<T>& y, const Loss& loss,
             std::span<const T> sample_weight, const FitOptions<T>& options);
  /// Called between slices. If it returns true, the evaluation stops. May throw.
  using Stop = FunctionRef<bool()>;
  /// Computes loss() for the present parameters of the network, with the bits of Network::evaluate().
  /// \returns false if stopped
  bool update_loss(const Network<T>& network, Stop stop);
  /// Computes all metric(i) and custom_metric(i) for the present parameters of the network.
  /// \returns false if stopped
  bool update_metrics(const Network<T>& network, Stop stop);
  [[nodiscard]] double loss() const noexcept { return value_; }
  [[nodiscard]] double metric(std::size_t i) const noexcept { return metrics_[i].value(); }
  [[nodiscard]] double custom_metric(std::size_t i) const noexcept { return custom_values_[i]; }

 private:
  bool update_custom_loss(const Network<T>& network, Stop stop);
  /// The number of rows of a slice, at most `most`.
  [[nodiscard]] std::size_t slice_rows(const Network<T>& network, std::size_t most) const noexcept;

  ConstMatrixView<T> x_;
  Targets<T> y_;
  const Loss& loss_;
  std::span<const T> sample_weight_;
  std::vector<MetricSum<T>> metrics_;
  std::span<const CustomMetric<T>> custom_metrics_;
  std::vector<double> custom_values_;  ///< one per custom metric
  std::vector<T> outputs_;             ///< (rows, M_N) of one slice; of all rows for a custom loss or metric
  std::vector<double> terms_;          ///< (rows) of one slice: the terms of the loss
  std::vector<double> segment_sums_;   ///< of the loss
  double value_ = 0.0;
};

}  // namespace backpass::train

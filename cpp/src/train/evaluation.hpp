/// Computes the loss and the metrics of one data set after every epoch. It works in slices of rows and can be stopped
/// between slices. A slice is so short that a user does not notice the delay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <backpass/trainer.hpp>

#include "base/function_ref.hpp"
#include "model/loss_plan.hpp"
#include "train/metric.hpp"
#include "train/move_rows.hpp"
#include "train/row_sums.hpp"

namespace backpass::train {

template <class T>
class Evaluation {
 public:
  /// \param data  the rows of this process
  /// \param rows  which rows these are
  Evaluation(const Network<T>& network, const DataRows<T>& data, const Loss& loss, const SharedRows& rows,
             const FitOptions<T>& options);
  /// Called between slices. If it returns true, the evaluation stops. May throw.
  using Stop = FunctionRef<bool()>;
  /// Computes loss() for the present parameters of the network. With one shard it has the bits of Network::evaluate().
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
  /// Computes the terms of the loss in slices, and calls add(first, terms) for each slice.
  template <class F>
  bool for_terms(const Network<T>& network, const model::RowMean& mean, Stop stop, F add);
  void update_custom_metrics(std::size_t outputs);
  void gather_targets(std::size_t outputs);
  /// The number of rows of a slice, at most `most`.
  [[nodiscard]] std::size_t slice_rows(const Network<T>& network, std::size_t most) const noexcept;

  ConstMatrixView<T> x_;
  Targets<T> y_;
  std::span<const T> sample_weight_;
  bool weighted_;  ///< whether any process has weights
  const Loss& loss_;
  SharedRows rows_;
  RowSums loss_sum_;      ///< of several shards
  double weights_ = 0.0;  ///< Σ w over the rows of all processes, with several shards
  std::vector<MetricSum<T>> metrics_;
  std::span<const CustomMetric<T>> custom_metrics_;
  std::vector<double> custom_values_;  ///< one per custom metric
  std::vector<T> outputs_;             ///< (rows, M_N) of one slice; of all rows for a custom loss or metric
  std::vector<double> terms_;          ///< (rows) of one slice: the terms of the loss
  std::vector<double> segment_sums_;   ///< of the loss
  double value_ = 0.0;
  // With custom metrics and other processes: the targets and weights of all rows.
  std::vector<T> all_targets_, all_weights_;
  std::vector<std::int64_t> all_labels_;
};

}  // namespace backpass::train

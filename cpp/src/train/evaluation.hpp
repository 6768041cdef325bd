/// Loss and metrics of one data set, again and again: after every epoch. The rows are taken in slices, short enough
/// that whoever waits for an interrupt between them does not notice.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <backpass/trainer.hpp>

#include "base/function_ref.hpp"
#include "nn/batch_pass.hpp"
#include "train/metric.hpp"

namespace backpass::train {

template <class T>
class Evaluation {
 public:
  Evaluation(const Network<T>& network, ConstMatrixView<T> x, const Targets<T>& y, const Loss& loss,
             std::span<const T> sample_weight, std::span<const Metric> metrics);
  /// Asked between slices; true ends what is under way. May throw.
  using Stop = FunctionRef<bool()>;
  /// Brings loss() up to the network's parameters: Network::evaluate's, to the bit. \returns false when stopped
  bool update_loss(const Network<T>& network, Stop stop);
  /// The same for metric(i).
  bool update_metrics(const Network<T>& network, Stop stop);
  [[nodiscard]] double loss() const noexcept { return value_; }
  [[nodiscard]] double metric(std::size_t i) const noexcept { return metrics_[i].value(); }

 private:
  bool update_custom_loss(const Network<T>& network, Stop stop);
  /// Rows of a slice, at most `most`.
  [[nodiscard]] std::size_t slice_rows(const Network<T>& network, std::size_t most) const noexcept;

  ConstMatrixView<T> x_;
  Targets<T> y_;
  const Loss& loss_;
  std::span<const T> sample_weight_;
  std::vector<MetricSum<T>> metrics_;
  std::vector<T> outputs_;     ///< of one slice; of all rows for a custom loss
  std::vector<double> terms_;  ///< of the loss, of one slice
  nn::BatchPass<T> pass_;
  double value_ = 0.0;
};

}  // namespace backpass::train

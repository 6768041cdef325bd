/// Loss and metrics of one data set, again and again: after every epoch.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <backpass/trainer.hpp>

#include "train/metric.hpp"

namespace backpass::train {

template <class T>
class Evaluation {
 public:
  Evaluation(const Network<T>& network, ConstMatrixView<T> x, const Targets<T>& y, const Loss& loss,
             std::span<const T> sample_weight, std::span<const Metric> metrics);
  /// Brings metric(i) up to the network's parameters.
  void update_metrics(const Network<T>& network);
  [[nodiscard]] double metric(std::size_t i) const noexcept { return metrics_[i].value(); }
  [[nodiscard]] double loss(const Network<T>& network) const { return network.evaluate(x_, y_, loss_, sample_weight_); }

 private:
  ConstMatrixView<T> x_;
  Targets<T> y_;
  const Loss& loss_;
  std::span<const T> sample_weight_;
  std::vector<MetricSum<T>> metrics_;
  std::vector<T> outputs_;  ///< of one block of rows
};

}  // namespace backpass::train

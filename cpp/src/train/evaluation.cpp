#include "train/evaluation.hpp"

#include <algorithm>

namespace backpass::train {
namespace {

/// Predictions of that many rows are held at once.
constexpr std::size_t kRows = 4096;

}  // namespace

template <class T>
Evaluation<T>::Evaluation(const Network<T>& network, ConstMatrixView<T> x, const Targets<T>& y, const Loss& loss,
                          std::span<const T> sample_weight, std::span<const Metric> metrics)
    : x_(x), y_(y), loss_(loss), sample_weight_(sample_weight) {
  const std::size_t outputs = network.sizes().back();
  const bool logits = std::holds_alternative<SigmoidCrossEntropy>(loss);
  for (const Metric metric : metrics) {
    metrics_.emplace_back(metric, outputs, y, logits, sample_weight);
  }
  outputs_.resize(metrics.empty() ? 0 : std::min(kRows, x.rows()) * outputs);
}

template <class T>
void Evaluation<T>::update_metrics(const Network<T>& network) {
  if (metrics_.empty()) {
    return;
  }
  for (MetricSum<T>& metric : metrics_) {
    metric.reset();
  }
  for (std::size_t first = 0; first < x_.rows(); first += kRows) {
    const std::size_t count = std::min(kRows, x_.rows() - first);
    const MatrixView<T> a(outputs_.data(), count, network.sizes().back());
    network.predict(x_.middle_rows(first, count), a);
    for (MetricSum<T>& metric : metrics_) {
      metric.add(a, first);
    }
  }
}

template class Evaluation<float>;
template class Evaluation<double>;

}  // namespace backpass::train

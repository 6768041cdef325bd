#include "train/evaluation.hpp"

#include <algorithm>

#include "base/floating_point_mode.hpp"
#include "pass/network_access.hpp"
#include "pass/sum_order.hpp"

namespace backpass::train {
namespace {

/// Multiply-adds per slice. One core takes 2 ms (50 per ns) to 20 ms (5 per ns). 64 cores have 30 µs of work each.
constexpr std::size_t kSliceWork = 100'000'000;
/// With fewer rows, loading the weights takes longer than the multiply-adds (pass/batch_pass.cpp, kMinOwnBlockRows).
constexpr std::size_t kMinRows = 32;
/// The most rows of a slice whose outputs (10 float outputs: 160 KiB) or loss terms (512 KiB) are kept in memory.
constexpr std::size_t kMaxOutputRows = 4096;
constexpr std::size_t kMaxTermRows = 65536;

}  // namespace

template <class T>
Evaluation<T>::Evaluation(const Network<T>& network, ConstMatrixView<T> x, const Targets<T>& y, const Loss& loss,
                          std::span<const T> sample_weight, const FitOptions<T>& options)
    : x_(x),
      y_(y),
      loss_(loss),
      sample_weight_(sample_weight),
      custom_metrics_(options.custom_metrics),
      custom_values_(options.custom_metrics.size()) {
  const std::size_t outputs = network.sizes().back();
  for (const Metric metric : options.metrics) {
    metrics_.emplace_back(metric, outputs, y, decision_for(loss), sample_weight);
  }
  if (!custom_metrics_.empty()) {
    outputs_.resize(x.rows() * outputs);
  } else if (!metrics_.empty()) {
    outputs_.resize(slice_rows(network, kMaxOutputRows) * outputs);
  }
}

template <class T>
std::size_t Evaluation<T>::slice_rows(const Network<T>& network, std::size_t most) const noexcept {
  const std::size_t rows = kSliceWork / std::max<std::size_t>(1, network.num_parameters());
  return std::min(x_.rows(), std::clamp(rows, kMinRows, most));
}

template <class T>
bool Evaluation<T>::update_loss(const Network<T>& network, Stop stop) {
  // The caller owns the arrays and may have changed them since the last epoch.
  NetworkAccess::check_loss<T>(network, loss_, x_.rows(), y_, sample_weight_, "validation: ");
  if (std::holds_alternative<CustomLoss>(loss_)) {
    return update_custom_loss(network, stop);
  }
  const model::RowMean mean(model::reciprocal_weight_sum(sample_weight_, x_.rows()));
  const std::size_t slice = slice_rows(network, kMaxTermRows);
  terms_.resize(slice);
  segment_sums_.assign(pass::sum_order::num_segments(network.num_parameters(), x_.rows()), 0.0);
  std::size_t s = 0;  // the segment of the next row
  for (std::size_t first = 0; first < x_.rows(); first += slice) {
    const std::size_t count = std::min(slice, x_.rows() - first);
    const auto weights = sample_weight_.empty() ? sample_weight_ : sample_weight_.subspan(first, count);
    NetworkAccess::row_terms<T>(network, x_.middle_rows(first, count), y_.middle_rows(first, count), weights, loss_,
                                mean, terms_);
    for (std::size_t row = first, end = 0; row < first + count; row = end) {
      const std::size_t segment_end = pass::sum_order::first_row(s + 1, segment_sums_.size(), x_.rows());
      end = std::min(first + count, segment_end);
      segment_sums_[s] =
          pass::sum_order::add_rows(segment_sums_[s], std::span<const double>(terms_).subspan(row - first, end - row));
      s += end == segment_end ? 1 : 0;
    }
    if (stop()) {
      return false;
    }
  }
  value_ = mean.of(pass::sum_order::add_segments(segment_sums_));
  return true;
}

template <class T>
bool Evaluation<T>::update_custom_loss(const Network<T>& network, Stop stop) {
  const std::size_t outputs = network.sizes().back();
  outputs_.resize(x_.rows() * outputs);
  const MatrixView<T> a(outputs_.data(), x_.rows(), outputs);
  const std::size_t slice = slice_rows(network, kMaxOutputRows);
  for (std::size_t first = 0; first < x_.rows(); first += slice) {
    const std::size_t count = std::min(slice, x_.rows() - first);
    network.predict(x_.middle_rows(first, count), a.middle_rows(first, count));
    if (stop()) {
      return false;
    }
  }
  value_ = evaluate_loss<T>(loss_, a, y_);
  return true;
}

template <class T>
bool Evaluation<T>::update_metrics(const Network<T>& network, Stop stop) {
  if (metrics_.empty() && custom_metrics_.empty()) {
    return true;
  }
  const std::size_t outputs = network.sizes().back();
  for (MetricSum<T>& metric : metrics_) {
    metric.reset();
  }
  const std::size_t slice = slice_rows(network, kMaxOutputRows);
  for (std::size_t first = 0; first < x_.rows(); first += slice) {
    const std::size_t count = std::min(slice, x_.rows() - first);
    const std::size_t kept = custom_metrics_.empty() ? 0 : first;
    const MatrixView<T> a(outputs_.data() + kept * outputs, count, outputs);
    network.predict(x_.middle_rows(first, count), a);
    for (MetricSum<T>& metric : metrics_) {
      metric.add(a, first);
    }
    if (stop()) {
      return false;
    }
  }
  const ConstMatrixView<T> a(outputs_.data(), x_.rows(), outputs);
  for (std::size_t i = 0; i < custom_metrics_.size(); ++i) {
    custom_values_[i] = in_callers_mode(custom_metrics_[i].function, a, y_, sample_weight_);
  }
  return true;
}

template class Evaluation<float>;
template class Evaluation<double>;

}  // namespace backpass::train

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
Evaluation<T>::Evaluation(const Network<T>& network, const DataRows<T>& data, const Loss& loss, const SharedRows& rows,
                          const FitOptions<T>& options)
    : x_(data.x),
      y_(data.y),
      sample_weight_(data.sample_weight),
      weighted_(data.weighted),
      loss_(loss),
      rows_(rows),
      loss_sum_(rows, 1),
      custom_metrics_(options.custom_metrics),
      custom_values_(options.custom_metrics.size()) {
  const std::size_t outputs = network.sizes().back();
  for (const Metric metric : options.metrics) {
    metrics_.emplace_back(metric, outputs, y_, decision_for(loss), sample_weight_, rows);
  }
  if (rows.partition.num_shards() > 1) {
    RowSums weights(rows, 1);
    weights.add(0, x_.rows(), [&](std::size_t row, std::span<double> sum) {
      sum[0] += sample_weight_.empty() ? 1.0 : static_cast<double>(sample_weight_[row]);
    });
    weights_ = weights.total()[0];
  }
  if (!custom_metrics_.empty()) {
    outputs_.resize(x_.rows() * outputs);
    if (!rows.group->is_alone()) {
      gather_targets(outputs);
    }
  } else if (!metrics_.empty()) {
    outputs_.resize(slice_rows(network, kMaxOutputRows) * outputs);
  }
}

template <class T>
void Evaluation<T>::gather_targets(std::size_t outputs) {
  Group& group = *rows_.group;
  if (y_.are_labels()) {
    std::vector<std::int64_t> own(y_.rows());
    for (std::size_t row = 0; row < own.size(); ++row) {
      own[row] = y_.label(row);
    }
    all_labels_ = gather_rows<std::int64_t>(group, rows_.partition, own, 1);
  } else {
    all_targets_ = gather_rows<T>(group, rows_.partition, {y_.values().data(), y_.rows() * outputs}, outputs);
  }
  if (weighted_) {
    all_weights_ = gather_rows<T>(group, rows_.partition, sample_weight_, 1);
  }
}

template <class T>
std::size_t Evaluation<T>::slice_rows(const Network<T>& network, std::size_t most) const noexcept {
  const std::size_t rows = kSliceWork / std::max<std::size_t>(1, network.num_parameters());
  return std::min(x_.rows(), std::clamp(rows, kMinRows, most));
}

template <class T>
template <class F>
bool Evaluation<T>::for_terms(const Network<T>& network, const model::RowMean& mean, Stop stop, F add) {
  const std::size_t slice = slice_rows(network, kMaxTermRows);
  terms_.resize(slice);
  for (std::size_t first = 0; first < x_.rows(); first += slice) {
    const std::size_t count = std::min(slice, x_.rows() - first);
    const auto weights = sample_weight_.empty() ? sample_weight_ : sample_weight_.subspan(first, count);
    NetworkAccess::row_terms<T>(network, x_.middle_rows(first, count), y_.middle_rows(first, count), weights, loss_,
                                mean, terms_);
    add(first, std::span<const double>(terms_).first(count));
    if (stop()) {
      return false;
    }
  }
  return true;
}

template <class T>
bool Evaluation<T>::update_loss(const Network<T>& network, Stop stop) {
  // The caller owns the arrays and may have changed them since the last epoch.
  if (x_.rows() > 0 || rows_.group->is_alone()) {
    NetworkAccess::check_loss<T>(network, loss_, x_.rows(), y_, sample_weight_, "validation: ");
  }
  if (std::holds_alternative<CustomLoss>(loss_)) {
    return update_custom_loss(network, stop);
  }
  if (rows_.partition.num_shards() > 1) {
    const model::RowMean mean(1.0 / weights_);
    loss_sum_.reset();
    const bool finished = for_terms(network, mean, stop, [&](std::size_t first, std::span<const double> terms) {
      loss_sum_.add(first, first + terms.size(),
                    [&](std::size_t row, std::span<double> sum) { sum[0] += terms[row - first]; });
    });
    value_ = finished ? mean.of(loss_sum_.total()[0]) : value_;
    return finished;
  }
  const model::RowMean mean(model::reciprocal_weight_sum(sample_weight_, x_.rows()));
  segment_sums_.assign(pass::sum_order::num_segments(network.num_parameters(), x_.rows()), 0.0);
  std::size_t s = 0;  // the segment of the next row
  const bool finished = for_terms(network, mean, stop, [&](std::size_t first, std::span<const double> terms) {
    for (std::size_t row = first, end = 0; row < first + terms.size(); row = end) {
      const std::size_t segment_end = pass::sum_order::first_row(s + 1, segment_sums_.size(), x_.rows());
      end = std::min(first + terms.size(), segment_end);
      segment_sums_[s] = pass::sum_order::add_rows(segment_sums_[s], terms.subspan(row - first, end - row));
      s += end == segment_end ? 1 : 0;
    }
  });
  value_ = finished ? mean.of(pass::sum_order::add_segments(segment_sums_)) : value_;
  return finished;
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
  for (MetricSum<T>& metric : metrics_) {
    metric.finish();
  }
  update_custom_metrics(outputs);
  return true;
}

template <class T>
void Evaluation<T>::update_custom_metrics(std::size_t outputs) {
  if (custom_metrics_.empty()) {
    return;
  }
  const auto update = [&](ConstMatrixView<T> a, const Targets<T>& y, std::span<const T> sample_weight) {
    for (std::size_t i = 0; i < custom_metrics_.size(); ++i) {
      custom_values_[i] = in_callers_mode(custom_metrics_[i].function, a, y, sample_weight);
    }
  };
  if (rows_.group->is_alone()) {
    update({outputs_.data(), x_.rows(), outputs}, y_, sample_weight_);
    return;
  }
  // Rank 0 decides, so that a function may give another value at each call.
  const std::size_t rows = rows_.partition.all_rows();
  const std::vector<T> all = gather_rows<T>(*rows_.group, rows_.partition, outputs_, outputs);
  const Targets<T> y = y_.are_labels() ? Targets<T>(std::span<const std::int64_t>(all_labels_))
                                       : Targets<T>(ConstMatrixView<T>(all_targets_.data(), rows, outputs));
  if (rows_.group->rank() == 0) {
    update({all.data(), rows, outputs}, y, all_weights_);
  }
  rows_.group->broadcast(std::as_writable_bytes(std::span(custom_values_)));
}

template class Evaluation<float>;
template class Evaluation<double>;

}  // namespace backpass::train

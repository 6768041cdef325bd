#include "train/metric.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include <backpass/error.hpp>

#include "base/floating_point_mode.hpp"
#include "base/text.hpp"
#include "model/check_loss.hpp"
#include "model/require_matrix.hpp"
#include "runtime/interrupt.hpp"

namespace backpass {
namespace {

constexpr std::array<std::string_view, 3> kMetricNames{"accuracy", "r2", "mae"};
/// Cost estimate of one output in multiply-adds, for polls.
constexpr std::size_t kOperations = 4;

}  // namespace

std::string_view metric_name(Metric metric) noexcept { return kMetricNames[static_cast<std::size_t>(metric)]; }

Metric metric_from_name(std::string_view name) {
  return static_cast<Metric>(&entry_of_name("metric", name, kMetricNames) - kMetricNames.data());
}

namespace train {

Decision decision_for(const Loss& loss) noexcept {
  const LossTraits traits = loss_traits(loss);
  const bool each_output = traits.targets == TargetDomain::unit_interval;
  return {
      .logits = each_output && traits.takes_logits(), .each_output = each_output, .shares = model::takes_labels(loss)};
}

template <class T>
MetricSum<T>::MetricSum(Metric metric, std::size_t outputs, const Targets<T>& y, Decision decision,
                        std::span<const T> sample_weight, const SharedRows& rows)
    : metric_(metric),
      outputs_(outputs),
      y_(y),
      decision_(decision),
      sample_weight_(sample_weight),
      rows_(rows),
      sums_(rows, metric == Metric::r2 ? 1 + 2 * outputs : 2) {
  if (y.are_labels() && metric != Metric::accuracy) {
    throw std::invalid_argument(std::string(metric_name(metric)) +
                                " needs numeric targets, but y contains class labels");
  }
  if (metric == Metric::accuracy && !y.are_labels()) {
    check_classes();
  } else if (metric == Metric::r2) {
    start_r2();
  }
}

template <class T>
template <class F>
void MetricSum<T>::for_rows(F f) const {
  runtime::in_parts(y_.rows(), kOperations * outputs_, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      f(r);
    }
  });
}

template <class T>
void MetricSum<T>::check_classes() const {
  const bool shares = decision_.shares && outputs_ > 1;
  for_rows([&](std::size_t r) {
    for (std::size_t k = 0; k < outputs_; ++k) {
      const auto y = static_cast<double>(y_.values()(r, k));
      if (shares ? !(y >= 0.0 && y <= 1.0) : y != 0.0 && y != 1.0) {
        throw std::invalid_argument("accuracy needs targets that are " +
                                    std::string(shares ? "class probabilities from 0 to 1" : "0 or 1") + ", but " +
                                    element_text("y", r, k) + " = " + number_text(y_.values()(r, k)) +
                                    "; use r2 or mae for continuous targets");
      }
    }
  });
}

template <class T>
void MetricSum<T>::start_r2() {
  mean_.resize(outputs_);
  shrink_.resize(outputs_);
  const auto sum = [&](auto term) {  // and the sum of the weights, in front
    RowSums sums(rows_, 1 + outputs_);
    sums.add(0, y_.rows(), [&](std::size_t r, std::span<double> to) {
      to[0] += weight(r);
      for (std::size_t k = 0; k < outputs_; ++k) {
        to[1 + k] += term(r, static_cast<double>(y_.values()(r, k)));
      }
    });
    const auto total = sums.total();
    return std::vector<double>(total.begin(), total.end());
  };
  const std::vector<double> plain = sum([&](std::size_t r, double y) { return weight(r) * y; });
  const double weights = plain[0];
  std::transform(plain.begin() + 1, plain.end(), mean_.begin(), [&](double total) { return total / weights; });
  if (!std::all_of(mean_.begin(), mean_.end(), [](double mean) { return std::isfinite(mean); })) {
    // The sum may have overflowed although the mean is finite: add terms that are divided first.
    const std::vector<double> divided = sum([&](std::size_t r, double y) { return weight(r) / weights * y; });
    for (std::size_t k = 0; k < outputs_; ++k) {
      mean_[k] = std::isfinite(mean_[k]) ? mean_[k] : divided[1 + k];
    }
  }
  std::vector<double> largest(outputs_);
  for_rows([&](std::size_t r) {
    for (std::size_t k = 0; k < outputs_; ++k) {
      largest[k] = std::max(largest[k], std::fabs(static_cast<double>(y_.values()(r, k)) / 2 - mean_[k] / 2));
    }
  });
  rows_.group->max(largest);
  for (std::size_t k = 0; k < outputs_; ++k) {
    const bool scalable = largest[k] > 0.0 && std::isfinite(largest[k]);
    shrink_[k] = scalable ? std::ldexp(1.0, std::clamp(-std::ilogb(largest[k]), -1000, 1000)) : 1.0;
  }
}

template <class T>
void MetricSum<T>::reset() noexcept {
  sums_.reset();
}

template <class T>
double MetricSum<T>::correct(const T* a, std::size_t row) const noexcept {
  if (std::any_of(a, a + outputs_, [](T value) { return std::isnan(value); })) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (outputs_ == 1 || (decision_.each_output && !y_.are_labels())) {
    const T threshold = decision_.logits ? T(0) : T(0.5);
    std::size_t right = 0;
    for (std::size_t k = 0; k < outputs_; ++k) {
      const bool target = y_.are_labels() ? y_.label(row) > 0 : y_.values()(row, k) > T(0.5);
      right += (a[k] > threshold) == target ? 1 : 0;
    }
    return static_cast<double>(right) / static_cast<double>(outputs_);
  }
  const auto predicted = std::max_element(a, a + outputs_) - a;
  if (y_.are_labels()) {
    return predicted == y_.label(row) ? 1.0 : 0.0;
  }
  const T* const y = y_.values().row(row);
  return predicted == std::max_element(y, y + outputs_) - y ? 1.0 : 0.0;
}

template <class T>
void MetricSum<T>::add_row(const T* a, std::size_t row, std::span<double> sums) const noexcept {
  const double w = weight(row);
  sums[0] += w;
  if (metric_ == Metric::accuracy) {
    sums[1] += w * correct(a, row);
    return;
  }
  for (std::size_t k = 0; k < outputs_; ++k) {
    const auto y = static_cast<double>(y_.values()(row, k));
    const double error = static_cast<double>(a[k]) - y;
    if (metric_ == Metric::mae) {
      sums[1] += w * std::fabs(error) / static_cast<double>(outputs_);
    } else {
      const double residual = error * shrink_[k];
      const double deviation = (y - mean_[k]) * shrink_[k];
      sums[1 + k] += w * residual * residual;
      sums[1 + outputs_ + k] += w * deviation * deviation;
    }
  }
}

template <class T>
void MetricSum<T>::add(ConstMatrixView<T> a, std::size_t first_row) {
  runtime::in_parts(a.rows(), kOperations * outputs_, [&](std::size_t begin, std::size_t end) {
    sums_.add(first_row + begin, first_row + end,
              [&](std::size_t row, std::span<double> sums) { add_row(a.row(row - first_row), row, sums); });
  });
}

template <class T>
void MetricSum<T>::finish() {
  value_ = value_of(sums_.total());
}

template <class T>
double MetricSum<T>::value_of(std::span<const double> sums) const noexcept {
  if (sums[0] == 0.0) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (metric_ != Metric::r2) {
    return sums[1] / sums[0];
  }
  double sum = 0.0;
  for (std::size_t k = 0; k < outputs_; ++k) {
    const double residual = sums[1 + k];
    const double total = sums[1 + outputs_ + k];
    if (total == 0.0 && !std::isnan(residual)) {
      // The target is constant: r2 is 1 for a perfect prediction, else 0 (scikit-learn's convention).
      sum += residual == 0.0 ? 1.0 : 0.0;
    } else {
      sum += 1.0 - residual / total;
    }
  }
  return sum / static_cast<double>(outputs_);
}

template class MetricSum<float>;
template class MetricSum<double>;

namespace {

template <class T>
double compute(Metric metric, ConstMatrixView<T> a, const Targets<T>& y, Decision decision,
               std::span<const T> sample_weight) {
  if (y.rows() != a.rows() || (!y.are_labels() && y.values().cols() != a.cols())) {
    throw ShapeError("metric: a has shape " + shape_text(a.rows(), a.cols()) + ", y has " +
                     (y.are_labels() ? std::to_string(y.rows()) + " labels" : shape_text(y.rows(), y.values().cols())));
  }
  if (!sample_weight.empty() && sample_weight.size() != a.rows()) {
    throw ShapeError("metric: " + std::to_string(sample_weight.size()) + " sample weights for " +
                     std::to_string(a.rows()) + " rows");
  }
  model::require_data("a", a);
  if (!y.are_labels()) {
    model::require_data("y", y.values());
  }
  return in_own_mode([&] {
    Group alone(nullptr);
    const SharedRows rows{Partition(a.rows(), a.rows(), 1, 0, 1), &alone};
    MetricSum<T> sum(metric, a.cols(), y, decision, sample_weight, rows);
    sum.add(a, 0);
    sum.finish();
    return sum.value();
  });
}

}  // namespace
}  // namespace train

template <class T>
double compute_metric(Metric metric, ConstMatrixView<T> a, Targets<T> y, bool logits,
                      std::span<const T> sample_weight) {
  return train::compute(metric, a, y, {.logits = logits}, sample_weight);
}

template <class T>
double compute_metric(Metric metric, ConstMatrixView<T> a, Targets<T> y, const Loss& loss,
                      std::span<const T> sample_weight) {
  return train::compute(metric, a, y, train::decision_for(loss), sample_weight);
}

#define BACKPASS_INSTANTIATE(T)                                                                     \
  template double compute_metric(Metric, ConstMatrixView<T>, Targets<T>, bool, std::span<const T>); \
  template double compute_metric(Metric, ConstMatrixView<T>, Targets<T>, const Loss&, std::span<const T>);
BACKPASS_INSTANTIATE(float)
BACKPASS_INSTANTIATE(double)
#undef BACKPASS_INSTANTIATE

}  // namespace backpass

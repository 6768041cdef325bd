#include "train/metric.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include <backpass/error.hpp>

#include "base/floating_point_mode.hpp"
#include "nn/network_impl.hpp"
#include "nn/require.hpp"

namespace backpass {
namespace {

constexpr std::array<std::string_view, 3> kMetricNames{"accuracy", "r2", "mae"};

}  // namespace

std::string_view metric_name(Metric metric) noexcept { return kMetricNames[static_cast<std::size_t>(metric)]; }

Metric metric_from_name(std::string_view name) {
  for (std::size_t i = 0; i < kMetricNames.size(); ++i) {
    if (kMetricNames[i] == name) {
      return static_cast<Metric>(i);
    }
  }
  throw std::invalid_argument("unknown metric \"" + std::string(name) + "\"; there are: accuracy, r2, mae");
}

namespace train {

template <class T>
MetricSum<T>::MetricSum(Metric metric, std::size_t outputs, const Targets<T>& y, bool logits,
                        std::span<const T> sample_weight)
    : metric_(metric), outputs_(outputs), y_(y), logits_(logits), sample_weight_(sample_weight) {
  if (y.are_labels() && metric != Metric::accuracy) {
    throw std::invalid_argument(std::string(metric_name(metric)) + " compares values, but y are class labels");
  }
  if (metric != Metric::r2) {
    return;
  }
  mean_.resize(outputs);
  residual_.resize(outputs);
  total_.resize(outputs);
  double weights = 0.0;
  for (std::size_t r = 0; r < y.rows(); ++r) {
    weights += weight(r);
    for (std::size_t k = 0; k < outputs; ++k) {
      mean_[k] += weight(r) * static_cast<double>(y.values()(r, k));
    }
  }
  for (double& mean : mean_) {
    mean /= weights;
  }
}

template <class T>
void MetricSum<T>::reset() noexcept {
  weights_ = 0.0;
  sum_ = 0.0;
  std::fill(residual_.begin(), residual_.end(), 0.0);
  std::fill(total_.begin(), total_.end(), 0.0);
}

template <class T>
bool MetricSum<T>::correct(const T* a, std::size_t row) const noexcept {
  if (outputs_ == 1) {
    const bool predicted = a[0] > (logits_ ? T(0) : T(0.5));
    return predicted == (y_.are_labels() ? y_.label(row) > 0 : y_.values()(row, 0) > T(0.5));
  }
  const auto predicted = std::max_element(a, a + outputs_) - a;
  if (y_.are_labels()) {
    return predicted == y_.label(row);
  }
  const T* const y = y_.values().row(row);
  return predicted == std::max_element(y, y + outputs_) - y;
}

template <class T>
void MetricSum<T>::add(ConstMatrixView<T> a, std::size_t first_row) noexcept {
  for (std::size_t r = 0; r < a.rows(); ++r) {
    const std::size_t row = first_row + r;
    const double w = weight(row);
    weights_ += w;
    if (metric_ == Metric::accuracy) {
      sum_ += correct(a.row(r), row) ? w : 0.0;
      continue;
    }
    for (std::size_t k = 0; k < outputs_; ++k) {
      const auto y = static_cast<double>(y_.values()(row, k));
      const double error = static_cast<double>(a(r, k)) - y;
      if (metric_ == Metric::mae) {
        sum_ += w * std::fabs(error) / static_cast<double>(outputs_);
      } else {
        residual_[k] += w * error * error;
        total_[k] += w * (y - mean_[k]) * (y - mean_[k]);
      }
    }
  }
}

template <class T>
double MetricSum<T>::value() const noexcept {
  if (weights_ == 0.0) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (metric_ != Metric::r2) {
    return sum_ / weights_;
  }
  double sum = 0.0;
  for (std::size_t k = 0; k < outputs_; ++k) {
    // A constant target is explained by a perfect prediction alone (scikit-learn's convention).
    sum += total_[k] > 0.0 ? 1.0 - residual_[k] / total_[k] : (residual_[k] == 0.0 ? 1.0 : 0.0);
  }
  return sum / static_cast<double>(outputs_);
}

template class MetricSum<float>;
template class MetricSum<double>;

}  // namespace train

template <class T>
double compute_metric(Metric metric, ConstMatrixView<T> a, Targets<T> y, bool logits,
                      std::span<const T> sample_weight) {
  if (y.rows() != a.rows() || (!y.are_labels() && y.values().cols() != a.cols())) {
    throw ShapeError("metric: a has the shape " + shape_text(a.rows(), a.cols()) + ", y has " +
                     (y.are_labels() ? std::to_string(y.rows()) + " labels" : shape_text(y.rows(), y.values().cols())));
  }
  if (!sample_weight.empty() && sample_weight.size() != a.rows()) {
    throw ShapeError("metric: " + std::to_string(sample_weight.size()) + " sample weights for " +
                     std::to_string(a.rows()) + " rows");
  }
  nn::require_data("a", a);
  if (!y.are_labels()) {
    nn::require_data("y", y.values());
  }
  return in_own_mode([&] {
    train::MetricSum<T> sum(metric, a.cols(), y, logits, sample_weight);
    sum.add(a, 0);
    return sum.value();
  });
}

template double compute_metric(Metric, ConstMatrixView<float>, Targets<float>, bool, std::span<const float>);
template double compute_metric(Metric, ConstMatrixView<double>, Targets<double>, bool, std::span<const double>);

}  // namespace backpass

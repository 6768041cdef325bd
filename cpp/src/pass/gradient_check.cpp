#include <backpass/gradient_check.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "base/floating_point_mode.hpp"
#include "base/function_ref.hpp"
#include "model/require_matrix.hpp"
#include "pass/network_access.hpp"
#include "runtime/interrupt.hpp"

namespace backpass {
namespace {

/// Central differences use the steps h, h/4, h/16, …. The largest step is small compared with the scale on which smooth
/// activations bend. The smallest step leaves half of a double's digits in the difference.
constexpr double kFirstStep = 0x1p-7;
constexpr double kShrink = 4.0;
constexpr int kSteps = 8;
/// The rounding error of a loss in units in the last place: several, because a loss is a mean of many terms.
constexpr double kRoundings = 16.0;
/// The error of a gradient below this fraction of the largest difference is measured relative to that fraction. A loss
/// with 16 digits leaves no digits for the difference of such a small gradient.
constexpr double kFloor = 1e-3;

/// The distance from x to the next larger double.
double spacing(double x) { return std::nextafter(x, std::numeric_limits<double>::infinity()) - x; }

/// df/dp from central differences that are extrapolated twice. Stops at the first step whose error estimate is within
/// the rounding error of the difference, and returns the result with the smallest error estimate.
double derivative(FunctionRef<double(double)> f, double p) {
  constexpr std::array kErrorOrders{2, 4};
  double step = kFirstStep * std::max(1.0, std::fabs(p));
  double least = std::numeric_limits<double>::infinity();
  double result = std::numeric_limits<double>::quiet_NaN();
  std::array<double, 3> above{};
  for (int i = 0; i < kSteps; ++i, step /= kShrink) {
    const double high = f(p + step);
    const double low = f(p - step);
    // The error is a series in even powers of the step. Richardson's extrapolation removes the powers 2 and 4.
    std::array<double, 3> row{(high - low) / (2.0 * step)};
    const int extrapolations = std::min(i, 2);
    for (int k = 0; k < extrapolations; ++k) {
      const double factor = std::pow(kShrink, kErrorOrders[k]);
      row[k + 1] = (factor * row[k] - above[k]) / (factor - 1.0);
    }
    if (extrapolations == 2) {
      // The change by the second extrapolation estimates the error: a third one would change less. A change below the
      // rounding error of the difference is good enough. A larger change means a kink or a sharp bend within the step.
      const double error = std::fabs(row[2] - row[1]);
      if (error < least) {
        least = error;
        result = row[2];
      }
      if (error <= kRoundings * spacing(std::max(std::fabs(high), std::fabs(low))) / step) {
        break;
      }
    }
    above = row;
  }
  return result;
}

double largest_relative_error(std::span<const double> gradients, std::span<const double> differences) {
  double largest = 0.0;
  for (const double d : differences) {
    largest = std::max(largest, std::fabs(d));
  }
  double worst = 0.0;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const double error = std::fabs(gradients[i] - differences[i]);
    if (std::isnan(error)) {
      return error;
    }
    if (error > 0.0) {
      const double scale = std::max({std::fabs(gradients[i]), std::fabs(differences[i]), kFloor * largest});
      worst = std::max(worst, error / scale);
    }
  }
  return worst;
}

/// A copy of the network in double precision and without dropout.
template <class T>
Network<double> exact_copy(const Network<T>& from) {
  Network<double> to = from.template converted<double>();
  NetworkAccess::remove_dropout(to);
  return to;
}

template <class T>
double compare(const Network<T>& network, ConstMatrixView<double> x, const Targets<double>& y, const Loss& loss,
               const std::function<void()>& between) {
  Network<double> exact = exact_copy(network);
  (void)exact.loss_and_gradient(x, y, loss);
  const std::vector<double> gradients(exact.gradients().begin(), exact.gradients().end());
  std::vector<double> differences;
  differences.reserve(gradients.size());
  for (double& parameter : exact.parameters()) {
    const double before = parameter;
    const auto loss_at = [&](double value) {
      parameter = value;
      return exact.evaluate(x, y, loss);
    };
    differences.push_back(derivative(loss_at, before));
    parameter = before;
    runtime::poll(kSteps * x.rows() * gradients.size());
    if (between) {
      in_callers_mode(between);
    }
  }
  return largest_relative_error(gradients, differences);
}

}  // namespace

template <class T>
double gradient_check(const Network<T>& network, ConstMatrixView<double> x, const Targets<double>& y, const Loss& loss,
                      const std::function<void()>& between) {
  return in_own_mode([&] { return compare(network, x, y, loss, between); });
}

double gradient_check(const Network<float>& network, ConstMatrixView<float> x, const Targets<float>& y,
                      const Loss& loss) {
  const auto widened = [](std::string_view name, ConstMatrixView<float> from) {
    model::require_data(name, from);
    std::vector<double> to;
    to.reserve(from.rows() * from.cols());
    for (std::size_t r = 0; r < from.rows(); ++r) {
      to.insert(to.end(), from.row(r), from.row(r) + from.cols());
    }
    return to;
  };
  const std::vector<double> inputs = widened("x", x);
  const ConstMatrixView<double> wide_x(inputs.data(), x.rows(), x.cols());
  if (!y.are_labels()) {
    const std::vector<double> values = widened("y", y.values());
    return gradient_check(network, wide_x, ConstMatrixView<double>(values.data(), y.rows(), y.values().cols()), loss);
  }
  std::vector<std::int64_t> labels(y.rows());
  for (std::size_t r = 0; r < labels.size(); ++r) {
    labels[r] = y.label(r);
  }
  return gradient_check(network, wide_x, Targets<double>(labels), loss);
}

template double gradient_check(const Network<float>&, ConstMatrixView<double>, const Targets<double>&, const Loss&,
                               const std::function<void()>&);
template double gradient_check(const Network<double>&, ConstMatrixView<double>, const Targets<double>&, const Loss&,
                               const std::function<void()>&);

}  // namespace backpass

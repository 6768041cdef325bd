/// The definitions of the losses. A new elementwise loss needs its value in loss(), a row in losses(), and a line in
/// fits() unless it fits every output activation.
#pragma once

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <backpass/activation.hpp>

#include "definitions/activations.hpp"
#include "definitions/numbers.hpp"
#include "kernels/kernel_table.hpp"

namespace definitions {

/// The term e(s, y) of one output of an elementwise loss, by the name of its kernel. s is the output a, or, for a
/// closed form, the preactivation z.
template <class S>
S loss(std::string_view name, Real<S> parameter, S s, Real<S> y) {
  using std::exp;
  using std::log;
  using std::sinh;
  using R = Real<S>;
  const S d = s - y;
  const S size = real(d) >= 0 ? d : -d;
  // The kernel replaces the logarithm of a number below e^-100, also of 0, by −100, as PyTorch does.
  const auto bounded = [](S logarithm) { return real(logarithm) < R(-100) ? S(-100) : logarithm; };
  if (name == "mse") return d * d;
  if (name == "mae") return size;
  if (name == "huber") return real(size) <= parameter ? R(0.5) * d * d : parameter * (size - R(0.5) * parameter);
  if (name == "log_cosh") {  // log cosh d = log(1 + 2 sinh²(d/2))
    if (real(size) >= R(100)) return size - std::numbers::ln2_v<R>;
    const S half = sinh(R(0.5) * size);
    return log1p(R(2) * half * half);
  }
  if (name == "quantile") return real(d) <= 0 ? -parameter * d : (R(1) - parameter) * d;
  if (name == "binary_cross_entropy") return -y * bounded(log(s)) - (R(1) - y) * bounded(log1p(-s));
  if (name == "sigmoid_cross_entropy") return softplus(s) - y * s;
  if (name == "poisson") return s - y * log(s);
  if (name == "poisson_exp") return exp(s) - y * s;
  if (name == "poisson_softplus") return softplus(s) - y * log(softplus(s));
  throw std::invalid_argument("no definition of " + std::string(name));
}

/// The range of a loss's first argument and target.
enum class LossDomain { real, probability, rate, logit };

/// How the kernel of an elementwise loss is tested.
struct LossTest {
  backpass::kernels::LossKernel kernel;
  const char* name;
  double parameter;
  LossDomain domain;
  Exact (*gradient)(long double s, long double y, long double p);  ///< ∂e/∂s
  /// The magnitudes of the terms of e, if e is a sum of terms that may cancel.
  long double (*size)(long double s, long double y) = nullptr;

  [[nodiscard]] Exact value(long double s, long double y, long double p) const {
    const long double e = loss(name, p, s, y);
    return {e, size == nullptr ? std::fabs(e) : size(s, y)};
  }
};

inline Exact terms(long double a, long double b) { return {a + b, std::fabs(a) + std::fabs(b)}; }

inline const std::vector<LossTest>& losses() {
  using L = long double;
  using K = backpass::kernels::LossKernel;
  using D = LossDomain;
  static const std::vector<LossTest> all{
      {K::mse, "mse", 0, D::real, [](L a, L y, L) { return Exact(2 * (a - y)); }},
      {K::mae, "mae", 0, D::real, [](L a, L y, L) { return Exact(a > y   ? 1
                                                                 : a < y ? -1
                                                                         : 0); }},
      {K::huber, "huber", 1.5, D::real, [](L a, L y, L p) { return Exact(clamp(a - y, -p, p)); }},
      {K::log_cosh, "log_cosh", 0, D::real, [](L a, L y, L) { return Exact(std::tanh(a - y)); }},
      {K::quantile, "quantile", 0.3, D::real, [](L a, L y, L q) { return Exact(a > y   ? 1 - q
                                                                               : a < y ? -q
                                                                                       : 0); }},
      {K::binary_cross_entropy, "binary_cross_entropy", 0, D::probability,
       [](L a, L y, L) { return Exact((a - y) / std::fmax(a * (1 - a), 1e-12L)); }},
      {K::sigmoid_cross_entropy, "sigmoid_cross_entropy", 0, D::logit,
       [](L z, L y, L) { return terms(sigmoid(z), -y); },
       [](L z, L) { return softplus(-std::fabs(z)) + std::fabs(z); }},
      {K::poisson, "poisson", 0, D::rate, [](L a, L y, L) { return terms(1, -y / a); },
       [](L a, L y) { return a + std::fabs(y * std::log(a)); }},
      {K::poisson_exp, "poisson_exp", 0, D::logit, [](L z, L y, L) { return terms(std::exp(z), -y); },
       [](L z, L y) { return std::exp(z) + std::fabs(y * z); }},
      {K::poisson_softplus, "poisson_softplus", 0, D::logit,
       [](L z, L y, L) { return terms(sigmoid(z), -y * (sigmoid(z) / softplus(z))); },
       // log a inherits the rounding error of a. For a close to 1 this error exceeds log a.
       [](L z, L y) { return softplus(z) + std::fabs(y * std::log(softplus(z))) + std::fabs(y); }},
  };
  return all;
}

/// True if a network whose outputs have this range can be trained with the loss.
inline bool fits(std::string_view loss, backpass::OutputRange outputs) {
  using R = backpass::OutputRange;
  const bool probabilities = outputs == R::distribution || outputs == R::unit_interval;
  if (loss == "cross_entropy") return outputs == R::distribution || outputs == R::log_distribution;
  if (loss == "softmax_cross_entropy") return !probabilities;
  if (loss == "binary_cross_entropy") return probabilities;
  if (loss == "sigmoid_cross_entropy") return outputs == R::real || outputs == R::non_negative;
  if (loss == "poisson") return outputs != R::real && outputs != R::log_distribution;
  return true;
}

/// The loss of one sample, by name, before the mean over outputs. With `logarithms`, a are logarithms of probabilities.
template <class S>
S sample_loss(std::string_view name, Real<S> parameter, const std::vector<S>& a, const std::vector<double>& y,
              bool logarithms) {
  using std::log;
  using R = Real<S>;
  const auto n = static_cast<R>(a.size());
  const bool closed_form = name == "softmax_cross_entropy";
  S sum(0);
  if (closed_form || name == "cross_entropy") {
    const std::vector<S> p = closed_form ? log_softmax(a) : a;
    for (std::size_t k = 0; k < a.size(); ++k) {
      sum -= ((R(1) - parameter) * y[k] + parameter / n) * (closed_form || logarithms ? p[k] : log(p[k]));
    }
    return sum;
  }
  for (std::size_t k = 0; k < a.size(); ++k) sum += loss(name, parameter, a[k], y[k]);
  return sum / n;
}

}  // namespace definitions

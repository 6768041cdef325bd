/// The elementwise losses and their derivatives in long double, from the definitions.
#pragma once

#include <cmath>
#include <vector>

#include "kernels/activation_reference.hpp"
#include "kernels/kernel_table.hpp"

namespace backpass::kernels {

/// The range of a loss's first argument and target.
enum class LossDomain { real, probability, rate, logit };

struct LossReference {
  LossKernel kernel;
  const char* name;
  double parameter;
  LossDomain domain;
  Exact (*value)(long double s, long double y, long double p);
  Exact (*gradient)(long double s, long double y, long double p);
};

namespace reference {

inline Real sign(Real d) { return d > 0 ? 1 : (d < 0 ? -1 : 0); }
inline Exact terms(Real a, Real b) { return {a + b, std::fabs(a) + std::fabs(b)}; }

inline Exact huber(Real a, Real y, Real delta) {
  const Real d = std::fabs(a - y);
  return d <= delta ? 0.5L * d * d : delta * (d - 0.5L * delta);
}
inline Exact log_cosh(Real a, Real y, Real) {
  const Real d = std::fabs(a - y);
  const Real half = std::sinh(0.5L * std::fmin(d, 100.0L));
  return d < 100.0L ? std::log1p(2.0L * half * half) : d - std::log(2.0L);
}
inline Exact binary_entropy(Real a, Real y, Real) {
  return terms(-y * std::fmax(std::log(a), -100.0L), -(1 - y) * std::fmax(std::log1p(-a), -100.0L));
}
inline Exact poisson_softplus_gradient(Real z, Real y, Real) {
  return terms(sigmoid(z), -y * (sigmoid(z) / softplus(z)));
}

}  // namespace reference

inline const std::vector<LossReference>& loss_references() {
  using namespace reference;
  using K = LossKernel;
  using D = LossDomain;
  static const std::vector<LossReference> all{
      {K::mse, "mse", 0, D::real, [](Real a, Real y, Real) { return Exact((a - y) * (a - y)); },
       [](Real a, Real y, Real) { return Exact(2 * (a - y)); }},
      {K::mae, "mae", 0, D::real, [](Real a, Real y, Real) { return Exact(std::fabs(a - y)); },
       [](Real a, Real y, Real) { return Exact(sign(a - y)); }},
      {K::huber, "huber", 1.5, D::real, huber, [](Real a, Real y, Real p) { return Exact(clip(a - y, -p, p)); }},
      {K::log_cosh, "log_cosh", 0, D::real, log_cosh, [](Real a, Real y, Real) { return Exact(std::tanh(a - y)); }},
      {K::quantile, "quantile", 0.3, D::real,
       [](Real a, Real y, Real q) { return Exact(std::fmax(q * (y - a), (q - 1) * (y - a))); },
       [](Real a, Real y, Real q) { return Exact(a > y ? 1 - q : (a < y ? -q : 0)); }},
      {K::binary_cross_entropy, "binary_cross_entropy", 0, D::probability, binary_entropy,
       [](Real a, Real y, Real) { return Exact((a - y) / std::fmax(a * (1 - a), 1e-12L)); }},
      {K::sigmoid_cross_entropy, "sigmoid_cross_entropy", 0, D::logit,
       [](Real z, Real y, Real) { return Exact(softplus(z) - y * z, softplus(-std::fabs(z)) + std::fabs(z)); },
       [](Real z, Real y, Real) { return terms(sigmoid(z), -y); }},
      {K::poisson, "poisson", 0, D::rate, [](Real a, Real y, Real) { return terms(a, -y * std::log(a)); },
       [](Real a, Real y, Real) { return terms(1, -y / a); }},
      {K::poisson_exp, "poisson_exp", 0, D::logit, [](Real z, Real y, Real) { return terms(std::exp(z), -y * z); },
       [](Real z, Real y, Real) { return terms(std::exp(z), -y); }},
      {K::poisson_softplus, "poisson_softplus", 0, D::logit,
       [](Real z, Real y, Real) {
         // log a inherits the rounding error of a. For a close to 1 this error exceeds log a.
         const Exact e = terms(softplus(z), -y * std::log(softplus(z)));
         return Exact(e.value, e.size + std::fabs(y));
       },
       poisson_softplus_gradient},
  };
  return all;
}

}  // namespace backpass::kernels

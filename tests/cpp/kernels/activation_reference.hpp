/// Every elementwise activation and its derivative in long double, from the definitions.
#pragma once

#include <cmath>
#include <vector>

#include <backpass/activation_kind.hpp>

namespace backpass::kernels {

/// A number, and the sum of the magnitudes of its terms. Errors are measured in ulp of `size`.
struct Exact {
  long double value;
  long double size;
  Exact(long double v) : value(v), size(std::fabs(v)) {}
  Exact(long double v, long double s) : value(v), size(s) {}
};

struct ActivationReference {
  ActivationKind kind;
  const char* name;
  double parameter;
  long double (*value)(long double z, long double p);
  /// φ' computed from the quantity that stored_for(kind) names.
  Exact (*derivative)(long double stored, long double p);
  std::vector<long double> kinks;  ///< values of z where φ' jumps
  /// The exponent, if it is not z. Rounding the exponent gives the exponential an error of that many ulp.
  long double (*exponent)(long double z, long double p) = nullptr;
};

namespace reference {

using Real = long double;

inline constexpr Real kLambda = 1.0507009873554804934193349852946L;
inline constexpr Real kLambdaAlpha = kLambda * 1.6732632423543772848170429916717L;
inline constexpr Real kSqrtHalf = 0.70710678118654752440084436210484904L;
inline constexpr Real kInverseSqrt2Pi = 0.39894228040143267793994605993438187L;
inline constexpr Real kSqrt2OverPi = 0.79788456080286535587989211986876373L;

inline Real sigmoid(Real z) { return 1.0L / (1.0L + std::exp(-z)); }
inline Real softplus(Real z) { return z > 50.0L ? z : std::log1p(std::exp(z)); }
inline Real two_y(Real z) { return 2.0L * kSqrt2OverPi * (z + 0.044715L * z * z * z); }
inline Real clip(Real z, Real low, Real high) { return z < low ? low : (z > high ? high : z); }

inline Exact gelu_derivative(Real z, Real) {
  const Real cdf = 0.5L * std::erfc(-z * kSqrtHalf);
  const Real slope = z * kInverseSqrt2Pi * std::exp(-0.5L * z * z);
  return {cdf + slope, cdf + std::fabs(slope)};
}
inline Exact gelu_tanh_derivative(Real z, Real) {
  const Real s = sigmoid(two_y(z));
  const Real rest = sigmoid(-two_y(z));
  const Real slope = z * s * rest * 2.0L * kSqrt2OverPi * (1.0L + 3.0L * 0.044715L * z * z);
  return {s + slope, s + std::fabs(slope)};
}
inline Exact silu_derivative(Real z, Real) {
  const Real slope = z * sigmoid(z) * sigmoid(-z);
  return {sigmoid(z) + slope, sigmoid(z) + std::fabs(slope)};
}
inline Exact mish_derivative(Real z, Real) {
  const Real w = 1.0L + std::exp(z);
  const Real sech = 2.0L / (w + 1.0L / w);
  const Real slope = z * sech * sech * sigmoid(z);
  const Real value = std::tanh(softplus(z));
  return {value + slope, value + std::fabs(slope)};
}

}  // namespace reference

inline const std::vector<ActivationReference>& activation_references() {
  using namespace reference;
  using Kind = ActivationKind;
  static const std::vector<ActivationReference> all{
      {Kind::identity, "identity", 0, [](Real z, Real) { return z; }, [](Real, Real) { return Exact(1); }, {}},
      {Kind::relu,
       "relu",
       0,
       [](Real z, Real) { return z > 0 ? z : 0; },
       [](Real a, Real) { return Exact(a > 0 ? 1 : 0); },
       {0}},
      {Kind::relu6,
       "relu6",
       0,
       [](Real z, Real) { return clip(z, 0, 6); },
       [](Real a, Real) { return Exact(a > 0 && a < 6 ? 1 : 0); },
       {0, 6}},
      {Kind::leaky_relu,
       "leaky_relu",
       0.01,
       [](Real z, Real p) { return z > 0 ? z : p * z; },
       [](Real z, Real p) { return Exact(z > 0 ? 1 : p); },
       {0}},
      {Kind::elu,
       "elu",
       1.25,
       [](Real z, Real p) { return z > 0 ? z : p * std::expm1(z); },
       [](Real z, Real p) { return Exact(z > 0 ? 1 : p * std::exp(z)); },
       {0}},
      {Kind::selu,
       "selu",
       0,
       [](Real z, Real) { return z > 0 ? kLambda * z : kLambdaAlpha * std::expm1(z); },
       [](Real z, Real) { return Exact(z > 0 ? kLambda : kLambdaAlpha * std::exp(z)); },
       {0}},
      {Kind::celu,
       "celu",
       0.75,
       [](Real z, Real p) { return z > 0 ? z : p * std::expm1(z / p); },
       [](Real z, Real p) { return Exact(z > 0 ? 1 : std::exp(z / p)); },
       {},
       [](Real z, Real p) { return z / p; }},
      {Kind::celu,
       "celu below",
       -1.5,
       [](Real z, Real p) { return z > 0 ? z : p * std::expm1(z / p); },
       [](Real z, Real p) { return Exact(z > 0 ? 1 : std::exp(z / p)); },
       {0},
       [](Real z, Real p) { return z / p; }},
      {Kind::gelu, "gelu", 0, [](Real z, Real) { return z * 0.5L * std::erfc(-z * kSqrtHalf); }, gelu_derivative, {}},
      {Kind::gelu_tanh,
       "gelu_tanh",
       0,
       [](Real z, Real) { return z * sigmoid(two_y(z)); },
       gelu_tanh_derivative,
       {},
       [](Real z, Real) { return two_y(z); }},
      {Kind::silu, "silu", 0, [](Real z, Real) { return z * sigmoid(z); }, silu_derivative, {}},
      {Kind::mish, "mish", 0, [](Real z, Real) { return z * std::tanh(softplus(z)); }, mish_derivative, {}},
      {Kind::softplus,
       "softplus",
       0,
       [](Real z, Real) { return softplus(z); },
       [](Real a, Real) { return Exact(-std::expm1(-a)); },
       {}},
      {Kind::softsign,
       "softsign",
       0,
       [](Real z, Real) { return z / (1 + std::fabs(z)); },
       [](Real z, Real) { return Exact(1 / ((1 + std::fabs(z)) * (1 + std::fabs(z)))); },
       {}},
      {Kind::sigmoid,
       "sigmoid",
       0,
       [](Real z, Real) { return sigmoid(z); },
       [](Real a, Real) { return Exact(a * (1 - a)); },
       {}},
      {Kind::hard_sigmoid,
       "hard_sigmoid",
       0,
       [](Real z, Real) { return clip(z + 3, 0, 6) / 6; },
       [](Real z, Real) { return Exact(z > -3 && z < 3 ? 1.0L / 6 : 0); },
       {-3, 3}},
      {Kind::tanh,
       "tanh",
       0,
       [](Real z, Real) { return std::tanh(z); },
       [](Real a, Real) { return Exact((1 - a) * (1 + a)); },
       {}},
      {Kind::hard_tanh,
       "hard_tanh",
       0,
       [](Real z, Real) { return clip(z, -1, 1); },
       [](Real a, Real) { return Exact(a > -1 && a < 1 ? 1 : 0); },
       {-1, 1}},
      {Kind::hard_swish,
       "hard_swish",
       0,
       [](Real z, Real) { return z * (clip(z + 3, 0, 6) / 6); },
       [](Real z, Real) {
         return z <= -3 ? Exact(0) : z >= 3 ? Exact(1) : Exact(z / 3 + 0.5L, std::fabs(z) / 3 + 0.5L);
       },
       {-3, 3}},
      {Kind::exp, "exp", 0, [](Real z, Real) { return std::exp(z); }, [](Real a, Real) { return Exact(a); }, {}},
      {Kind::sin,
       "sin",
       0,
       [](Real z, Real) { return std::sin(z); },
       [](Real z, Real) { return Exact(std::cos(z)); },
       {}},
  };
  return all;
}

}  // namespace backpass::kernels

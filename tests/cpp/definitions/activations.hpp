/// The definitions of the activations. A new activation needs its value in activation() and a row in activations().
#pragma once

#include <cmath>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <backpass/activation_kind.hpp>

#include "definitions/numbers.hpp"

namespace definitions {

inline constexpr long double kLambda = 1.0507009873554804934193349852946L;
inline constexpr long double kLambdaAlpha = kLambda * 1.6732632423543772848170429916717L;
inline constexpr long double kSqrtHalf = 0.70710678118654752440084436210484904L;
inline constexpr long double kInverseSqrt2Pi = 0.39894228040143267793994605993438187L;
inline constexpr long double kSqrt8OverPi = 1.5957691216057307117597842397376L;

/// 2y of gelu_tanh = z (1 + tanh y) / 2 = z sigmoid(2y).
template <class S>
S gelu_tanh_exponent(S z) {
  using R = Real<S>;
  return R(kSqrt8OverPi) * (z + R(0.044715L) * z * z * z);
}

/// An elementwise φ(z), by name.
template <class S>
S activation(std::string_view name, Real<S> parameter, S z) {
  using std::exp;
  using std::sin;
  using R = Real<S>;
  const auto unit = [&](R scale, R scale_alpha, R width) {
    return real(z) > 0 ? scale * z : scale_alpha * expm1(z / width);
  };
  if (name == "identity") return z;
  if (name == "relu") return real(z) > 0 ? z : S(0);
  if (name == "relu6") return clamp(z, R(0), R(6));
  if (name == "leaky_relu") return real(z) > 0 ? z : parameter * z;
  if (name == "elu") return unit(R(1), parameter, R(1));
  if (name == "selu") return unit(R(kLambda), R(kLambdaAlpha), R(1));
  if (name == "celu") return unit(R(1), parameter, parameter);
  if (name == "gelu") return z * R(0.5) * erfc(-z * R(kSqrtHalf));
  if (name == "gelu_tanh") return z * sigmoid(gelu_tanh_exponent(z));
  if (name == "silu") return z * sigmoid(z);
  if (name == "mish") return z * tanh(softplus(z));
  if (name == "softplus") return softplus(z);
  if (name == "softsign") return real(z) > 0 ? z / (R(1) + z) : z / (R(1) - z);
  if (name == "sigmoid") return sigmoid(z);
  if (name == "hard_sigmoid") return clamp(z + R(3), R(0), R(6)) / R(6);
  if (name == "tanh") return tanh(z);
  if (name == "hard_tanh") return clamp(z, R(-1), R(1));
  if (name == "hard_swish") return z * (clamp(z + R(3), R(0), R(6)) / R(6));
  if (name == "exp") return exp(z);
  if (name == "sin") return sin(z);
  throw std::invalid_argument("no definition of " + std::string(name));
}

template <class S>
std::vector<S> log_softmax(const std::vector<S>& z) {
  using std::exp;
  using std::log;
  auto top = real(z[0]);
  for (const S& v : z) top = std::fmax(top, real(v));
  S sum(0);
  for (const S& v : z) sum += exp(v - top);
  std::vector<S> a;
  for (const S& v : z) a.push_back(v - top - log(sum));
  return a;
}

/// How the kernel of an elementwise activation is tested.
struct ActivationTest {
  backpass::ActivationKind kind;
  const char* name;
  double parameter;
  /// φ' computed from the quantity that stored_for(kind) names.
  Exact (*derivative)(long double stored, long double p);
  std::vector<long double> kinks = {};  ///< values of z where φ' jumps
  /// The exponent, if it is not z. Rounding the exponent gives the exponential an error of that many ulp.
  long double (*exponent)(long double z, long double p) = nullptr;

  [[nodiscard]] long double value(long double z, long double p) const { return activation(name, p, z); }
};

namespace derivatives {

using L = long double;

inline Exact gelu(L z, L) {
  const L cdf = 0.5L * std::erfc(-z * kSqrtHalf);
  const L slope = z * kInverseSqrt2Pi * std::exp(-0.5L * z * z);
  return {cdf + slope, cdf + std::fabs(slope)};
}
inline Exact gelu_tanh(L z, L) {
  const L s = sigmoid(gelu_tanh_exponent(z));
  const L rest = sigmoid(-gelu_tanh_exponent(z));
  const L slope = z * s * rest * kSqrt8OverPi * (1.0L + 3.0L * 0.044715L * z * z);
  return {s + slope, s + std::fabs(slope)};
}
inline Exact silu(L z, L) {
  const L slope = z * sigmoid(z) * sigmoid(-z);
  return {sigmoid(z) + slope, sigmoid(z) + std::fabs(slope)};
}
inline Exact mish(L z, L) {
  const L w = 1.0L + std::exp(z);
  const L sech = 2.0L / (w + 1.0L / w);
  const L slope = z * sech * sech * sigmoid(z);
  const L value = std::tanh(softplus(z));
  return {value + slope, value + std::fabs(slope)};
}
inline Exact hard_swish(L z, L) {
  return z <= -3 ? Exact(0) : z >= 3 ? Exact(1) : Exact(z / 3 + 0.5L, std::fabs(z) / 3 + 0.5L);
}

}  // namespace derivatives

inline const std::vector<ActivationTest>& activations() {
  using L = long double;
  using Kind = backpass::ActivationKind;
  const auto width = [](L z, L p) { return z / p; };
  static const std::vector<ActivationTest> all{
      {Kind::identity, "identity", 0, [](L, L) { return Exact(1); }},
      {Kind::relu, "relu", 0, [](L a, L) { return Exact(a > 0 ? 1 : 0); }, {0}},
      {Kind::relu6, "relu6", 0, [](L a, L) { return Exact(a > 0 && a < 6 ? 1 : 0); }, {0, 6}},
      {Kind::leaky_relu, "leaky_relu", 0.01, [](L z, L p) { return Exact(z > 0 ? 1 : p); }, {0}},
      {Kind::elu, "elu", 1.25, [](L z, L p) { return Exact(z > 0 ? 1 : p * std::exp(z)); }, {0}},
      {Kind::selu, "selu", 0, [](L z, L) { return Exact(z > 0 ? kLambda : kLambdaAlpha * std::exp(z)); }, {0}},
      {Kind::celu, "celu", 0.75, [](L z, L p) { return Exact(z > 0 ? 1 : std::exp(z / p)); }, {}, width},
      {Kind::celu, "celu", -1.5, [](L z, L p) { return Exact(z > 0 ? 1 : std::exp(z / p)); }, {0}, width},
      {Kind::gelu, "gelu", 0, derivatives::gelu},
      {Kind::gelu_tanh, "gelu_tanh", 0, derivatives::gelu_tanh, {}, [](L z, L) { return gelu_tanh_exponent(z); }},
      {Kind::silu, "silu", 0, derivatives::silu},
      {Kind::mish, "mish", 0, derivatives::mish},
      {Kind::softplus, "softplus", 0, [](L a, L) { return Exact(-std::expm1(-a)); }},
      {Kind::softsign, "softsign", 0, [](L z, L) { return Exact(1 / ((1 + std::fabs(z)) * (1 + std::fabs(z)))); }},
      {Kind::sigmoid, "sigmoid", 0, [](L a, L) { return Exact(a * (1 - a)); }},
      {Kind::hard_sigmoid, "hard_sigmoid", 0, [](L z, L) { return Exact(z > -3 && z < 3 ? 1.0L / 6 : 0); }, {-3, 3}},
      {Kind::tanh, "tanh", 0, [](L a, L) { return Exact((1 - a) * (1 + a)); }},
      {Kind::hard_tanh, "hard_tanh", 0, [](L a, L) { return Exact(a > -1 && a < 1 ? 1 : 0); }, {-1, 1}},
      {Kind::hard_swish, "hard_swish", 0, derivatives::hard_swish, {-3, 3}},
      {Kind::exp, "exp", 0, [](L a, L) { return Exact(a); }},
      {Kind::sin, "sin", 0, [](L z, L) { return Exact(std::cos(z)); }},
  };
  return all;
}

}  // namespace definitions

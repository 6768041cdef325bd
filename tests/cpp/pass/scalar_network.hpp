/// A fully connected network for one sample, computed scalar by scalar, for any number type S. With S =
/// std::complex<double> it gives derivatives: for analytic f, Im f(w + ih) / h is f'(w) without a subtraction. So h can
/// be 1e-100, and the derivative is as accurate as f (Squire and Trapp 1998). Piecewise functions choose their piece by
/// the real part.
///
/// Written from docs/mathematics.md only; uses nothing of the library except the names of its activations.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace scalar {

inline double real(double v) { return v; }
inline double real(const std::complex<double>& v) { return v.real(); }

template <class S>
S sigmoid(S z) {
  using std::exp;
  return real(z) >= 0 ? 1.0 / (1.0 + exp(-z)) : exp(z) / (1.0 + exp(z));
}

template <class S>
S softplus(S z) {
  using std::exp;
  using std::log;
  return real(z) > 0 ? z + log(1.0 + exp(-z)) : log(1.0 + exp(z));
}

template <class S>
S tanh_of(S z) {
  return 2.0 * sigmoid(2.0 * z) - 1.0;
}

/// erf z = 2/√π e^{−z²} Σ_n 2^n z^{2n+1} / (2n+1)!!, whose terms all have the same sign.
template <class S>
S erf_of(S z) {
  using std::exp;
  S term = z;
  S sum = z;
  for (int n = 1; n < 200; ++n) {
    term *= 2.0 * z * z / (2.0 * n + 1.0);
    sum += term;
  }
  return 2.0 / std::sqrt(std::numbers::pi) * exp(-z * z) * sum;
}

template <class S>
S clamp(S z, double low, double high) {
  return real(z) <= low ? S(low) : real(z) >= high ? S(high) : z;
}

/// An elementwise φ, by name.
template <class S>
S activate(std::string_view name, double parameter, S z) {
  using std::exp;
  using std::sin;
  const auto exponential_unit = [&](double alpha, double width) {
    return real(z) > 0 ? z : alpha * (exp(z / width) - 1.0);
  };
  if (name == "identity") return z;
  if (name == "relu") return real(z) > 0 ? z : S(0.0);
  if (name == "relu6") return clamp(z, 0.0, 6.0);
  if (name == "leaky_relu") return real(z) > 0 ? z : parameter * z;
  if (name == "elu") return exponential_unit(parameter, 1.0);
  if (name == "selu")
    return 1.0507009873554804934193349852946 * exponential_unit(1.6732632423543772848170429916717, 1.0);
  if (name == "celu") return exponential_unit(parameter, parameter);
  if (name == "gelu") return 0.5 * z * (1.0 + erf_of(z / std::numbers::sqrt2));
  if (name == "gelu_tanh") {
    return 0.5 * z * (1.0 + tanh_of(std::sqrt(2.0 / std::numbers::pi) * (z + 0.044715 * z * z * z)));
  }
  if (name == "silu") return z * sigmoid(z);
  if (name == "mish") return z * tanh_of(softplus(z));
  if (name == "softplus") return softplus(z);
  if (name == "softsign") return real(z) > 0 ? z / (1.0 + z) : z / (1.0 - z);
  if (name == "sigmoid") return sigmoid(z);
  if (name == "hard_sigmoid") return clamp(z + 3.0, 0.0, 6.0) / 6.0;
  if (name == "tanh") return tanh_of(z);
  if (name == "hard_tanh") return clamp(z, -1.0, 1.0);
  if (name == "hard_swish") return z * clamp(z + 3.0, 0.0, 6.0) / 6.0;
  if (name == "exp") return exp(z);
  if (name == "sin") return sin(z);
  throw std::invalid_argument("no scalar definition of " + std::string(name));
}

template <class S>
std::vector<S> log_softmax(const std::vector<S>& z) {
  using std::exp;
  using std::log;
  double top = real(z[0]);
  for (const S& v : z) top = std::max(top, real(v));
  S sum(0.0);
  for (const S& v : z) sum += exp(v - top);
  std::vector<S> a;
  for (const S& v : z) a.push_back(v - top - log(sum));
  return a;
}

template <class S>
struct Layer {
  std::vector<std::vector<S>> weight;  ///< w_kj
  std::vector<S> bias;                 ///< empty: no bias
  std::string activation;
  double parameter = 0.0;
};

/// z_k = Σ_j w_kj a_j + b_k, a_k = φ(z_k), layer by layer.
template <class S>
std::vector<S> forward(const std::vector<Layer<S>>& layers, std::vector<S> a) {
  using std::exp;
  for (const Layer<S>& layer : layers) {
    std::vector<S> z;
    for (std::size_t k = 0; k < layer.weight.size(); ++k) {
      S sum = layer.bias.empty() ? S(0.0) : layer.bias[k];
      for (std::size_t j = 0; j < a.size(); ++j) sum += layer.weight[k][j] * a[j];
      z.push_back(sum);
    }
    if (layer.activation == "softmax" || layer.activation == "log_softmax") {
      a = log_softmax(z);
      if (layer.activation == "softmax") {
        for (S& v : a) v = exp(v);
      }
    } else {
      a.clear();
      for (const S& v : z) a.push_back(activate(layer.activation, layer.parameter, v));
    }
  }
  return a;
}

/// One sample's cost by name, before the mean over outputs. With `logarithms`, a are logarithms of probabilities.
template <class S>
S cost(std::string_view name, double parameter, const std::vector<S>& a, const std::vector<double>& y,
       bool logarithms) {
  using std::exp;
  using std::log;
  const auto n = static_cast<double>(a.size());
  const auto smoothed = [&](std::size_t k) { return (1.0 - parameter) * y[k] + parameter / n; };
  S sum(0.0);
  if (name == "softmax_cross_entropy") {
    const std::vector<S> p = log_softmax(a);
    for (std::size_t k = 0; k < a.size(); ++k) sum -= smoothed(k) * p[k];
    return sum;
  }
  for (std::size_t k = 0; k < a.size(); ++k) {
    const S d = a[k] - y[k];
    const S size = real(d) >= 0 ? d : -d;
    if (name == "mse")
      sum += d * d;
    else if (name == "mae")
      sum += size;
    else if (name == "huber")
      sum += real(size) <= parameter ? 0.5 * d * d : parameter * (size - 0.5 * parameter);
    else if (name == "log_cosh")
      sum += size + log(1.0 + exp(-2.0 * size)) - std::numbers::ln2;
    else if (name == "quantile")
      sum += real(d) <= 0 ? -parameter * d : (1.0 - parameter) * d;
    else if (name == "cross_entropy")
      sum -= smoothed(k) * (logarithms ? a[k] : log(a[k]));
    else if (name == "binary_cross_entropy")
      sum -= y[k] * log(a[k]) + (1.0 - y[k]) * log(1.0 - a[k]);
    else if (name == "sigmoid_cross_entropy")
      sum += softplus(a[k]) - y[k] * a[k];
    else if (name == "poisson")
      sum += a[k] - y[k] * log(a[k]);
    else
      throw std::invalid_argument("no scalar definition of " + std::string(name));
  }
  return name == "cross_entropy" ? sum : sum / n;
}

}  // namespace scalar

/// What the definitions of activations and losses need of a number type S: long double, or std::complex<double>. With
/// complex numbers the definitions give derivatives: for analytic f, Im f(w + ih) / h is f'(w) without a subtraction.
/// So h can be 1e-100, and the derivative is as accurate as f (Squire and Trapp 1998). Piecewise functions choose their
/// piece by the real part.
///
/// Written from docs/mathematics.md only; does not use the library.
#pragma once

#include <cmath>
#include <complex>
#include <numbers>

namespace definitions {

using Complex = std::complex<double>;

/// A number, and the sum of the magnitudes of its terms. Errors are measured in ulp of `size`.
struct Exact {
  long double value;
  long double size;
  Exact(long double v) : value(v), size(std::fabs(v)) {}
  Exact(long double v, long double s) : value(v), size(s) {}
};

/// The real numbers of S.
template <class S>
struct RealOf {
  using Type = S;
};
template <>
struct RealOf<Complex> {
  using Type = double;
};
template <class S>
using Real = typename RealOf<S>::Type;

inline long double real(long double v) { return v; }
inline double real(const Complex& v) { return v.real(); }

// Functions that std does not have for complex numbers.

inline long double expm1(long double z) { return std::expm1(z); }
/// e^x cos y − 1 = (e^x − 1) cos y − 2 sin²(y/2).
inline Complex expm1(const Complex& z) {
  const double half = std::sin(z.imag() / 2);
  return {std::expm1(z.real()) * std::cos(z.imag()) - 2 * half * half, std::exp(z.real()) * std::sin(z.imag())};
}
inline long double log1p(long double z) { return std::log1p(z); }
/// log|1 + z| = log1p(2x + |z|²) / 2.
inline Complex log1p(const Complex& z) {
  return {std::log1p(2 * z.real() + std::norm(z)) / 2, std::atan2(z.imag(), 1 + z.real())};
}
inline long double erfc(long double z) { return std::erfc(z); }
/// erf z = 2/√π e^{−z²} Σ_n 2^n z^{2n+1} / (2n+1)!!, whose terms all have the same sign.
inline Complex erfc(const Complex& z) {
  Complex term = z;
  Complex sum = z;
  for (int n = 1; n < 200; ++n) {
    term *= 2.0 * z * z / (2.0 * n + 1.0);
    sum += term;
  }
  return 1.0 - 2.0 / std::sqrt(std::numbers::pi) * std::exp(-z * z) * sum;
}

template <class S>
S sigmoid(S z) {
  using std::exp;
  using R = Real<S>;
  return real(z) >= 0 ? R(1) / (R(1) + exp(-z)) : exp(z) / (R(1) + exp(z));
}
template <class S>
S softplus(S z) {
  using std::exp;
  return real(z) > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
}
/// tanh without the overflow of std::tanh for complex numbers.
inline long double tanh(long double z) { return std::tanh(z); }
inline Complex tanh(const Complex& z) { return 2.0 * sigmoid(2.0 * z) - 1.0; }

template <class S>
S clamp(S z, Real<S> low, Real<S> high) {
  return real(z) <= low ? S(low) : real(z) >= high ? S(high) : z;
}

}  // namespace definitions

/// exp, expm1, log, log1p and tanh of a vector. The error is at most 4 units in the last place (ulp) over all of T,
/// including NaN, infinities, zeros and denormals. Every constant exists for float and for double; the code is shared.
///
/// The polynomials are minimax polynomials (Remez exchange) on the reduced interval. The comment at each polynomial
/// gives a bound on the relative error of the function that it approximates.
#pragma once

#include "kernels/vec.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

/// Σ_i c[i] x^i by Horner's scheme.
template <class T, int kTerms>
BP_INLINE Vec<T> polynomial(Vec<T> x, const T (&c)[kTerms]) {
  Vec<T> p = broadcast(c[kTerms - 1]);
  for (int i = kTerms - 2; i >= 0; --i) {
    p = fma(p, x, broadcast(c[i]));
  }
  return p;
}

template <class T>
struct Limits;
template <>
struct Limits<float> {
  static constexpr float kMax = 0x1.fffffep127F;
  static constexpr float kMinNormal = 0x1p-126F;
  static constexpr float kInfinity = __builtin_inff();
  static constexpr float kNaN = __builtin_nanf("");
};
template <>
struct Limits<double> {
  static constexpr double kMax = 0x1.fffffffffffffp1023;
  static constexpr double kMinNormal = 0x1p-1022;
  static constexpr double kInfinity = __builtin_inf();
  static constexpr double kNaN = __builtin_nan("");
};

/// e^x = 2^n e^r, where n is the integer nearest to x / ln 2, and |r| <= ln(2)/2. ln 2 = kLn2High + kLn2Low, where
/// kLn2High has so few bits that n · kLn2High is exact.
template <class T>
struct ExpConstants;
template <>
struct ExpConstants<float> {
  static constexpr float kLog2E = 0x1.715476p0F;
  static constexpr float kLn2High = 0x1.62e4p-1F;
  static constexpr float kLn2Low = 0x1.7f7d1cp-20F;
  static constexpr float kLowest = -104.0F;           // e^x rounds to 0 below
  static constexpr float kHighest = 89.0F;            // e^x is infinite from here on
  static constexpr float kLowestMinus1 = -20.0F;      // e^x − 1 rounds to −1 below
  static constexpr float kIdentityMinus1 = 0x1p-30F;  // e^x − 1 rounds to x below
  /// (e^r − 1 − r) / r² in powers of r; relative error of e^r − 1: 2^-26.2.
  static constexpr float kTail[] = {0x1.fffffep-2F, 0x1.5554aep-3F, 0x1.555676p-5F, 0x1.122886p-7F, 0x1.6bebep-10F};
};
template <>
struct ExpConstants<double> {
  static constexpr double kLog2E = 0x1.71547652b82fep0;
  static constexpr double kLn2High = 0x1.62e42fefa3p-1;
  static constexpr double kLn2Low = 0x1.3de6af278ece6p-42;
  static constexpr double kLowest = -746.0;
  static constexpr double kHighest = 710.0;
  static constexpr double kLowestMinus1 = -40.0;
  static constexpr double kIdentityMinus1 = 0x1p-60;
  /// Relative error of e^r − 1: 2^-61.7.
  static constexpr double kTail[] = {0x1.0000000000000p-1,  0x1.5555555555559p-3,  0x1.555555555553ep-5,
                                     0x1.111111110f673p-7,  0x1.6c16c16c1f27bp-10, 0x1.a01a01b001f46p-13,
                                     0x1.a01a017b5d1dbp-16, 0x1.71ddf7fe55d92p-19, 0x1.27e5369c3ed78p-22,
                                     0x1.af5f688c99852p-26, 0x1.1ee886aa3255bp-29};
};

template <class T>
struct ExpReduced {
  Vec<T> n;
  VecBits<T> n_int;
  Vec<T> r;
};
template <class T>
BP_INLINE ExpReduced<T> exp_reduce(Vec<T> x) {
  using C = ExpConstants<T>;
  ExpReduced<T> e;
  e.n = round_to_int(x * C::kLog2E, e.n_int);
  e.r = fma(e.n, broadcast(-C::kLn2High), x);
  e.r = fma(e.n, broadcast(-C::kLn2Low), e.r);
  return e;
}

/// 2^n e^r.
template <class T>
BP_INLINE Vec<T> exp_reduced(const ExpReduced<T>& e) {
  const Vec<T> p = fma(e.r * e.r, polynomial<T>(e.r, ExpConstants<T>::kTail), e.r);
  return scale_by_power_of_two<T>(T(1) + p, e.n, e.n_int);
}

/// e^(x + low), where |low| is much smaller than 1 and holds the digits that do not fit x. The caller clamps x.
template <class T>
BP_INLINE Vec<T> exp_sum(Vec<T> x, Vec<T> low) {
  ExpReduced<T> e = exp_reduce<T>(x);
  e.r += low;
  return exp_reduced<T>(e);
}

template <class T>
BP_INLINE Vec<T> exp(Vec<T> x) {
  using C = ExpConstants<T>;
  return exp_reduced<T>(exp_reduce<T>(min(broadcast(C::kHighest), max(broadcast(C::kLowest), x))));
}

/// e^(−|x|), which cannot overflow.
template <class T>
BP_INLINE Vec<T> exp_negative_magnitude(Vec<T> x) {
  return exp_reduced<T>(exp_reduce<T>(max(broadcast(ExpConstants<T>::kLowest), -abs(x))));
}

/// e^x − 1 = 2 (s (e^r − 1) + (s − ½)) with s = 2^(n−1), which is finite for every finite result. The caller clamps x.
template <class T>
BP_INLINE Vec<T> expm1_clamped(Vec<T> x) {
  using C = ExpConstants<T>;
  const ExpReduced<T> e = exp_reduce<T>(x);
  const Vec<T> p = fma(e.r * e.r, polynomial<T>(e.r, C::kTail), e.r);
  const Vec<T> s = as_real<T>((e.n_int + (kExponentBias<T> - 1)) << kMantissaBits<T>);
  const Vec<T> y = fma(s, p, s - T(0.5));
  return abs(x) < C::kIdentityMinus1 ? x : y + y;
}
template <class T>
BP_INLINE Vec<T> expm1(Vec<T> x) {
  using C = ExpConstants<T>;
  return expm1_clamped<T>(min(broadcast(C::kHighest), max(broadcast(C::kLowestMinus1), x)));
}

/// log(2^k (1 + f)) = k ln 2 + log(1 + f), where 1 + f is in [√½, √2]. log(1 + f) = 2 artanh(s) with s = f / (2 + f),
/// which is an odd function of s.
template <class T>
struct LogConstants;
template <>
struct LogConstants<float> {
  static constexpr float kLn2High = 0x1.62e4p-1F;
  static constexpr float kLn2Low = 0x1.7f7d1cp-20F;
  static constexpr uint32_t kSqrtHalf = 0x3f3504f3;  // the bits of √½
  /// (2 artanh(s) / s − 2) / s² in powers of s²; relative error of the logarithm: 2^-30.2.
  static constexpr float kTail[] = {0x1.55557ap-1F, 0x1.995e7cp-2F, 0x1.31eap-2F};
};
template <>
struct LogConstants<double> {
  static constexpr double kLn2High = 0x1.62e42fefa3p-1;
  static constexpr double kLn2Low = 0x1.3de6af278ece6p-42;
  static constexpr uint64_t kSqrtHalf = 0x3fe6a09e667f3bcd;
  /// Relative error of the logarithm: 2^-59.5.
  static constexpr double kTail[] = {0x1.5555555555593p-1, 0x1.999999997f8a7p-2, 0x1.249249423e51dp-2,
                                     0x1.c71c51c66d8afp-3, 0x1.74664d76a9db1p-3, 0x1.39a02edc2a0fbp-3,
                                     0x1.2f15bc4a868d0p-3};
};

template <class T>
struct LogReduced {
  Vec<T> k, f;
};
/// Splits a positive, finite x into 2^k (1 + f).
template <class T>
BP_INLINE LogReduced<T> log_reduce(Vec<T> x) {
  constexpr T kTwoToMantissa = sizeof(T) == 4 ? T(0x1p23) : T(0x1p52);
  using Bits = __typeof__(VecBits<T>{}[0] + 0);
  constexpr Bits kOne = Bits(kExponentBias<T>) << kMantissaBits<T>;
  constexpr Bits kMantissa = (Bits(1) << kMantissaBits<T>)-1;
  // Denormals have no implicit leading 1: scale them to normal numbers.
  const VecInt<T> denormal = x < Limits<T>::kMinNormal;
  x = denormal ? x * kTwoToMantissa : x;
  const VecBits<T> t = as_bits<T>(x) + (kOne - LogConstants<T>::kSqrtHalf);
  LogReduced<T> y;
  y.k = as_real<T>((t >> kMantissaBits<T>) | as_bits<T>(broadcast(kTwoToMantissa))) -
        (denormal ? broadcast(kTwoToMantissa + T(kExponentBias<T> + kMantissaBits<T>))
                  : broadcast(kTwoToMantissa + T(kExponentBias<T>)));
  y.f = as_real<T>((t & kMantissa) + LogConstants<T>::kSqrtHalf) - T(1);
  return y;
}
template <class T>
BP_INLINE Vec<T> log_reduced(LogReduced<T> x) {
  using C = LogConstants<T>;
  const Vec<T> s = x.f / (x.f + T(2));
  const Vec<T> s2 = s * s;
  const Vec<T> tail = s2 * polynomial<T>(s2, C::kTail);
  // With s f = f²/2 − s f²/2: log(1 + f) = f − f²/2 + s (f²/2 + tail). The largest term, f, is exact.
  const Vec<T> half_square = T(0.5) * x.f * x.f;
  const Vec<T> correction = fma(s, half_square + tail, x.k * C::kLn2Low);
  return fma(x.k, broadcast(C::kLn2High), x.f - (half_square - correction));
}
/// Returns y = log x for finite x > 0, and the special values for all other x.
template <class T>
BP_INLINE Vec<T> log_special(Vec<T> x, Vec<T> y) {
  y = x < Limits<T>::kInfinity ? y : x;  // inf and NaN stay
  y = x > T(0) ? y : (x == T(0) ? broadcast(-Limits<T>::kInfinity) : broadcast(Limits<T>::kNaN));
  return y;
}

template <class T>
BP_INLINE Vec<T> log(Vec<T> x) {
  return log_special<T>(x, log_reduced<T>(log_reduce<T>(x)));
}

/// log(1 + x). If 1 + x is in [√½, √2], f is x itself. Otherwise the rounding error of 1 + x is small compared with the
/// result.
template <class T>
BP_INLINE Vec<T> log1p(Vec<T> x) {
  const Vec<T> one_plus_x = x + T(1);
  LogReduced<T> r = log_reduce<T>(one_plus_x);
  const VecInt<T> near = (x > T(-0.2928)) & (x < T(0.4142));
  r.f = near ? x : r.f;
  r.k = near ? Vec<T>{} : r.k;
  return log_special<T>(one_plus_x, log_reduced<T>(r));
}

/// log(1 + u) for u in [0, 1]. Faster than log1p(), because the exponent of 1 + u is known.
template <class T>
BP_INLINE Vec<T> log1p_unit(Vec<T> u) {
  const VecInt<T> high = u > T(0.4142);
  return log_reduced<T>({high ? broadcast(T(1)) : Vec<T>{}, high ? T(0.5) * (u - T(1)) : u});
}

/// tanh |x| = m / (m + 2) with m = e^(2|x|) − 1.
template <class T>
BP_INLINE Vec<T> tanh(Vec<T> x) {
  // From here on, tanh rounds to 1.
  constexpr T kSaturation = sizeof(T) == 4 ? T(10) : T(20);
  const Vec<T> magnitude = min(broadcast(kSaturation), abs(x));
  const Vec<T> m = expm1_clamped<T>(magnitude + magnitude);
  return copysign(m / (m + T(2)), x);
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

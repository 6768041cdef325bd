/// sin and cos of a vector, with an error of at most 4 ulp for every finite argument.
#pragma once

#include "kernels/math_inl.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

/// x = q π/2 + r with |r| <= π/4. π/2 is split into parts so short that q times each part is exact for |x| < kLargest.
template <class T>
struct TrigConstants;
template <>
struct TrigConstants<float> {
  static constexpr float kTwoOverPi = 0x1.45f306p-1F;
  static constexpr float kLargest = 12800.0F;  // below 2^13 π/2
  static constexpr float kHalfPi[] = {0x1.92p0F, 0x1.fb4p-12F, 0x1.444p-24F, 0x1.68cp-39F, 0x1.1a6264p-54F};
  static constexpr float kIdentity = 0x1p-15F;  // below, sin x rounds to x
  /// (sin r − r) / r³ in powers of r²; relative error of sin: 2^-28.0.
  /// (cos r − 1 + r²/2) / r⁴ in powers of r²; relative error of cos: 2^-33.3.
  static constexpr float kSin[] = {-0x1.555546p-3F, 0x1.110756p-7F, -0x1.994b4p-13F};
  static constexpr float kCos[] = {0x1.55554ap-5F, -0x1.6c0c82p-10F, 0x1.99ff4p-16F};
};
template <>
struct TrigConstants<double> {
  static constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;
  static constexpr double kLargest = 3.2e6;  // below 2^21 π/2
  static constexpr double kHalfPi[] = {0x1.921fb544p0, 0x1.0b4611a6p-34, 0x1.3198a2ep-69, 0x1.b839a252049c1p-104};
  static constexpr double kIdentity = 0x1p-30;
  /// Relative errors: 2^-58.0 of sin, 2^-64.2 of cos.
  static constexpr double kSin[] = {-0x1.5555555555549p-3, 0x1.111111110f842p-7,   -0x1.a01a019c0a285p-13,
                                    0x1.71de3570fcf76p-19, -0x1.ae5e60c433b67p-26, 0x1.5d915df79a9aep-33};
  static constexpr double kCos[] = {0x1.555555555554cp-5,   -0x1.6c16c16c15140p-10, 0x1.a01a019cab73dp-16,
                                    -0x1.27e4f805337dbp-22, 0x1.1ee9e89091b12p-29,  -0x1.8facd146027b8p-37};
};

/// 64 zero bits, then the bits of 2/π after the binary point.
inline constexpr uint64_t kTwoOverPiBits[] = {
    0x0000000000000000, 0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561,
    0xb7246e3a424dd2e0, 0x06492eea09d1921c, 0xfe1deb1cb129a73e, 0xe88235f52ebb4484, 0xe99c7026b45f7e41,
    0x3991d639835339f4, 0x9c845f8bbdf9283b, 0x1ff897ffde05980f, 0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7,
    0x4f463f669e5fea2d, 0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab,
    0xf0cfbc209af4361d};

struct Quadrant {
  int64_t q;
  double r;
};
/// Reduces any |x| >= 2^12 (M. H. Payne, R. N. Hanek, "Radian reduction for trigonometric functions", SIGNUM Newsletter
/// 18, 1983). x = m 2^e with an integer m of 53 bits. Only 192 bits of 2/π matter: those whose products with x are
/// below 4 and not negligible. m times these bits, modulo 2^192, is x · 2/π modulo 4 in units of 2^-190.
static inline __attribute__((noinline)) Quadrant reduce_huge(double x) {
  __extension__ typedef unsigned __int128 Wide;
  uint64_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  const int e = static_cast<int>(bits >> 52 & 0x7ff) - 1075;
  const uint64_t m = (bits & 0xfffffffffffff) | 0x10000000000000;
  const int first_bit = 64 + e - 2;
  const int word = first_bit / 64;
  const int shift = first_bit % 64;
  uint64_t window[3];
  for (int i = 0; i < 3; ++i) {
    const Wide pair = static_cast<Wide>(kTwoOverPiBits[word + i]) << 64 | kTwoOverPiBits[word + i + 1];
    window[i] = static_cast<uint64_t>(pair >> (64 - shift));
  }
  const Wide low = static_cast<Wide>(m) * window[2];
  const Wide middle = static_cast<Wide>(m) * window[1] + static_cast<uint64_t>(low >> 64);
  const uint64_t high = m * window[0] + static_cast<uint64_t>(middle >> 64);
  const Wide upper = static_cast<Wide>(high) << 64 | static_cast<uint64_t>(middle);
  // The two upper bits are the quadrant, the others the fraction. A fraction above ½ counts as fraction − 1 in the next
  // quadrant.
  int64_t q = static_cast<int64_t>(high >> 62);
  Wide fraction = upper << 2 | static_cast<uint64_t>(low) >> 62;
  const bool negative = static_cast<int64_t>(high << 2) < 0;
  if (negative) {
    q += 1;
    fraction = -fraction;
  }
  const double f = static_cast<double>(static_cast<uint64_t>(fraction >> 64)) * 0x1p-64 +
                   static_cast<double>(static_cast<uint64_t>(fraction)) * 0x1p-128;
  const double r = f * 0x1.921fb54442d18p0;
  const bool flip = (bits >> 63) != 0;
  return {flip ? -q : q, negative != flip ? -r : r};
}

/// sin(x + quadrants · π/2).
template <class T>
BP_INLINE Vec<T> sin_shifted(Vec<T> x, unsigned quadrants) {
  using C = TrigConstants<T>;
  constexpr int kSignShift = sizeof(T) * 8 - 2;
  VecBits<T> q;
  const Vec<T> n = round_to_int(x * C::kTwoOverPi, q);
  Vec<T> r = x;
  for (const T part : C::kHalfPi) {
    r = fma(n, broadcast(-part), r);
  }
  const VecInt<T> moderate = abs(x) < C::kLargest;
  if (__builtin_expect(any(~moderate), 0)) {
    for (int i = 0; i < kLanes<T>; ++i) {
      if (moderate[i] == 0) {
        const bool finite = __builtin_fabs(static_cast<double>(x[i])) < Limits<double>::kInfinity;
        const Quadrant huge = finite ? reduce_huge(static_cast<double>(x[i])) : Quadrant{0, Limits<double>::kNaN};
        q[i] = static_cast<__typeof__(q[0] + 0)>(huge.q);
        r[i] = static_cast<T>(huge.r);
      }
    }
  }
  q += quadrants;
  const Vec<T> r2 = r * r;
  const Vec<T> sine = fma(r * r2, polynomial<T>(r2, C::kSin), r);
  const Vec<T> cosine = fma(r2 * r2, polynomial<T>(r2, C::kCos), T(1) - T(0.5) * r2);
  // sin r = r for small |r|, which keeps −0 and denormals.
  const Vec<T> value = (q & 1) != 0 ? cosine : (abs(r) < C::kIdentity ? r : sine);
  return as_real<T>(as_bits<T>(value) ^ ((q & 2) << kSignShift));
}

template <class T>
BP_INLINE Vec<T> sin(Vec<T> x) {
  return sin_shifted<T>(x, 0);
}
template <class T>
BP_INLINE Vec<T> cos(Vec<T> x) {
  return sin_shifted<T>(x, 1);
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

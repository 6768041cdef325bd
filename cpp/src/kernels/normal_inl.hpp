/// The tail of the normal distribution, and erf computed from it.
#pragma once

#include "kernels/math_inl.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

/// Φ(−t) = e^(−t²/2) Q(t) for t >= 0. Q falls slowly, from ½ at 0 to about 1 / (t √2π) for large t. Q is approximated
/// by a rational minimax function. All its coefficients are positive, so that nothing cancels.
template <class T>
struct NormalConstants;
template <>
struct NormalConstants<float> {
  static constexpr float kLargest = 14.5F;       // e^(−t²/2) t rounds to 0 from here on
  static constexpr int32_t kUpperBits = ~0xfff;  // the upper part has an exact square
  /// Relative error of Q: 2^-27.4.
  static constexpr float kNumerator[] = {0x1p-1F, 0x1.c0b528p-2F, 0x1.771c42p-3F, 0x1.4ca938p-5F, 0x1.0d872cp-8F};
  static constexpr float kDenominator[] = {0x1p0F,         0x1.ac9cc4p0F, 0x1.33c272p0F,
                                           0x1.e0888cp-2F, 0x1.a0f49p-4F, 0x1.51cc9ep-7F};
};
template <>
struct NormalConstants<double> {
  static constexpr double kLargest = 39.0;
  static constexpr int64_t kUpperBits = ~0x7ffffff;
  /// Relative error of Q: 2^-54.1.
  static constexpr double kNumerator[] = {0x1p-1,
                                          0x1.8cb1e6833f163p-1,
                                          0x1.3017bf433fbfep-1,
                                          0x1.2831336439582p-2,
                                          0x1.9006475f85254p-4,
                                          0x1.82d7eedb58554p-6,
                                          0x1.0bd6a2fce05f8p-8,
                                          0x1.00ef7d6fd11e2p-11,
                                          0x1.383dcc6aef743p-15,
                                          0x1.73960787a4f16p-20};
  static constexpr double kDenominator[] = {0x1p0,
                                            0x1.2c7a0810f062fp1,
                                            0x1.47cac65ef0603p1,
                                            0x1.b6c93acb7b134p0,
                                            0x1.9048bce42cd1fp-1,
                                            0x1.04fa2f0dbb067p-2,
                                            0x1.eed7bc7d1ac8fp-5,
                                            0x1.52be35471fbbcp-7,
                                            0x1.42ee356237636p-10,
                                            0x1.875628e31d027p-14,
                                            0x1.d1b6cc285ee9ap-19};
};

template <class T>
struct NormalTail {
  Vec<T> exponential;  ///< e^(−t²/2); denormal for the largest t
  Vec<T> q;            ///< Q(t) = Φ(−t) / e^(−t²/2)
};
/// For 0 <= t <= kLargest.
template <class T>
BP_INLINE NormalTail<T> normal_tail(Vec<T> t) {
  using C = NormalConstants<T>;
  // t² = upper² + (t − upper)(t + upper). A rounded t² would give the exponential an error of about t²/2 ulp.
  const Vec<T> upper = as_real<T>(as_int<T>(t) & C::kUpperBits);
  const Vec<T> exponential = exp_sum<T>(T(-0.5) * upper * upper, T(-0.5) * (t - upper) * (t + upper));
  return {exponential, polynomial<T>(t, C::kNumerator) / polynomial<T>(t, C::kDenominator)};
}

template <class T>
struct ErfConstants;
template <>
struct ErfConstants<float> {
  /// erf(x) / x − 1 in powers of x² for |x| <= 1; relative error of erf: 2^-29.6.
  static constexpr float kSmall[] = {0x1.06eba8p-3F, -0x1.81273ep-2F, 0x1.ce2cf8p-4F, -0x1.b7f90ep-6F,
                                     0x1.5405b2p-8F, -0x1.a3f7p-11F,  0x1.496a32p-14F};
};
template <>
struct ErfConstants<double> {
  /// Relative error of erf: 2^-62.7.
  static constexpr double kSmall[] = {0x1.06eba8214db68p-3,   -0x1.812746b0379e6p-2,  0x1.ce2f21a042b20p-4,
                                      -0x1.b82ce3128499cp-6,  0x1.565bcd0db02e3p-8,   -0x1.c02db3d8ed220p-11,
                                      0x1.f9a321a11d932p-14,  -0x1.f4d1df39472dbp-17, 0x1.b9def19dc515fp-20,
                                      -0x1.5f1d36c102071p-23, 0x1.f7a41223bc140p-27,  -0x1.386ac0adca736p-30,
                                      0x1.0579aa90dd79bp-34};
};

/// erf |x| = 1 − 2 Φ(−√2 |x|) for |x| > 1.
template <class T>
BP_INLINE Vec<T> erf(Vec<T> x) {
  constexpr T kSqrt2 = T(0x1.6a09e667f3bcdp0);
  const Vec<T> magnitude = abs(x);
  const NormalTail<T> tail = normal_tail<T>(min(broadcast(NormalConstants<T>::kLargest), magnitude * kSqrt2));
  const Vec<T> large = T(1) - T(2) * tail.exponential * tail.q;
  // fma(x, p, x) keeps a denormal x. For |x| > 1 the clamp prevents an overflow of x².
  const Vec<T> small_x = min(broadcast(T(1)), magnitude);
  const Vec<T> small = fma(small_x, polynomial<T>(small_x * small_x, ErfConstants<T>::kSmall), small_x);
  return copysign(magnitude <= T(1) ? small : large, x);
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

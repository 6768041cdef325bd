/// AVX-512: 512-bit vectors, masked loads and stores. vec.hpp documents the functions.
#pragma once

#include <immintrin.h>

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

inline constexpr int kVectorBytes = 64;
inline constexpr int kRegisters = 32;
inline constexpr bool kFused = true;  ///< fma() rounds once

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

#include "kernels/vec_types.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

BP_INLINE VecF load_partial(const float* p, ptrdiff_t n) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << n) - 1U), p);
}
BP_INLINE VecD load_partial(const double* p, ptrdiff_t n) {
  return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1U << n) - 1U), p);
}
BP_INLINE void store_partial(float* p, VecF v, ptrdiff_t n) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1U << n) - 1U), v);
}
BP_INLINE void store_partial(double* p, VecD v, ptrdiff_t n) {
  _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1U << n) - 1U), v);
}

inline constexpr bool kHasHalf = true;
typedef float HalfF __attribute__((vector_size(kVectorBytes / 2)));
typedef double HalfD __attribute__((vector_size(kVectorBytes / 2)));
template <class T>
struct HalfOf;
template <>
struct HalfOf<float> {
  using Type = HalfF;
};
template <>
struct HalfOf<double> {
  using Type = HalfD;
};
template <class T>
using Half = typename HalfOf<T>::Type;
BP_INLINE HalfF load_half(const float* p, ptrdiff_t n) {
  return _mm256_maskz_loadu_ps(static_cast<__mmask8>((1U << n) - 1U), p);
}
BP_INLINE HalfD load_half(const double* p, ptrdiff_t n) {
  return _mm256_maskz_loadu_pd(static_cast<__mmask8>((1U << n) - 1U), p);
}
BP_INLINE void store_partial(float* p, HalfF v, ptrdiff_t n) {
  _mm256_mask_storeu_ps(p, static_cast<__mmask8>((1U << n) - 1U), v);
}
BP_INLINE void store_partial(double* p, HalfD v, ptrdiff_t n) {
  _mm256_mask_storeu_pd(p, static_cast<__mmask8>((1U << n) - 1U), v);
}
BP_INLINE HalfF first_half(VecF v) { return _mm512_castps512_ps256(v); }
BP_INLINE HalfD first_half(VecD v) { return _mm512_castpd512_pd256(v); }
BP_INLINE HalfF fma(HalfF a, HalfF b, HalfF c) { return _mm256_fmadd_ps(a, b, c); }
BP_INLINE HalfD fma(HalfD a, HalfD b, HalfD c) { return _mm256_fmadd_pd(a, b, c); }

BP_INLINE VecF fma(VecF a, VecF b, VecF c) { return _mm512_fmadd_ps(a, b, c); }
BP_INLINE VecD fma(VecD a, VecD b, VecD c) { return _mm512_fmadd_pd(a, b, c); }

BP_INLINE VecF sqrt(VecF v) { return _mm512_sqrt_ps(v); }
BP_INLINE VecD sqrt(VecD v) { return _mm512_sqrt_pd(v); }

BP_INLINE VecF max(VecF a, VecF b) { return _mm512_max_ps(a, b); }
BP_INLINE VecD max(VecD a, VecD b) { return _mm512_max_pd(a, b); }
BP_INLINE VecF min(VecF a, VecF b) { return _mm512_min_ps(a, b); }
BP_INLINE VecD min(VecD a, VecD b) { return _mm512_min_pd(a, b); }

BP_INLINE bool any(VecInt<float> mask) { return _mm512_movepi32_mask(reinterpret_cast<__m512i>(mask)) != 0; }
BP_INLINE bool any(VecInt<double> mask) { return _mm512_movepi64_mask(reinterpret_cast<__m512i>(mask)) != 0; }

BP_INLINE VecBits<double> multiply_lower_halves(VecBits<double> a, VecBits<double> b) {
  return reinterpret_cast<VecBits<double>>(
      _mm512_mul_epu32(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
}

BP_INLINE VecD widen_first(VecF v) { return _mm512_cvtps_pd(_mm512_castps512_ps256(v)); }
BP_INLINE VecD widen_second(VecF v) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1)); }

template <class T>
BP_INLINE Vec<T> scale_by_power_of_two(Vec<T> v, Vec<T> n, VecBits<T> /*n_int*/) {
  if constexpr (sizeof(T) == 4) {
    return _mm512_scalef_ps(v, n);
  } else {
    return _mm512_scalef_pd(v, n);
  }
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

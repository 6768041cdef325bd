/// AVX2 and FMA: 256-bit vectors, masked loads and stores. vec.hpp documents the functions.
#pragma once

#include <immintrin.h>

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

inline constexpr int kVectorBytes = 32;
inline constexpr int kRegisters = 16;
inline constexpr bool kFused = true;  ///< fma() rounds once

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

#include "kernels/vec_types.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

BP_INLINE __m256i first_lanes_32(ptrdiff_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
BP_INLINE __m256i first_lanes_64(ptrdiff_t n) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}
BP_INLINE VecF load_partial(const float* p, ptrdiff_t n) { return _mm256_maskload_ps(p, first_lanes_32(n)); }
BP_INLINE VecD load_partial(const double* p, ptrdiff_t n) { return _mm256_maskload_pd(p, first_lanes_64(n)); }
BP_INLINE void store_partial(float* p, VecF v, ptrdiff_t n) { _mm256_maskstore_ps(p, first_lanes_32(n), v); }
BP_INLINE void store_partial(double* p, VecD v, ptrdiff_t n) { _mm256_maskstore_pd(p, first_lanes_64(n), v); }

BP_INLINE VecF fma(VecF a, VecF b, VecF c) { return _mm256_fmadd_ps(a, b, c); }
BP_INLINE VecD fma(VecD a, VecD b, VecD c) { return _mm256_fmadd_pd(a, b, c); }

BP_INLINE VecF sqrt(VecF v) { return _mm256_sqrt_ps(v); }
BP_INLINE VecD sqrt(VecD v) { return _mm256_sqrt_pd(v); }

BP_INLINE VecF max(VecF a, VecF b) { return _mm256_max_ps(a, b); }
BP_INLINE VecD max(VecD a, VecD b) { return _mm256_max_pd(a, b); }
BP_INLINE VecF min(VecF a, VecF b) { return _mm256_min_ps(a, b); }
BP_INLINE VecD min(VecD a, VecD b) { return _mm256_min_pd(a, b); }

BP_INLINE bool any(VecInt<float> mask) { return _mm256_movemask_epi8(reinterpret_cast<__m256i>(mask)) != 0; }
BP_INLINE bool any(VecInt<double> mask) { return _mm256_movemask_epi8(reinterpret_cast<__m256i>(mask)) != 0; }

BP_INLINE VecBits<double> multiply_lower_halves(VecBits<double> a, VecBits<double> b) {
  return reinterpret_cast<VecBits<double>>(
      _mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
}

BP_INLINE VecD widen_first(VecF v) { return _mm256_cvtps_pd(_mm256_castps256_ps128(v)); }
BP_INLINE VecD widen_second(VecF v) { return _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)); }

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

#include "kernels/vec_without_avx512.hpp"

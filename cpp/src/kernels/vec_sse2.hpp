/// SSE2, which every x86-64 CPU has: 128-bit vectors. vec.hpp documents the functions.
#pragma once

#include <immintrin.h>

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

inline constexpr int kVectorBytes = 16;
inline constexpr int kRegisters = 16;
inline constexpr bool kFused = false;  ///< fma() rounds once

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

#include "kernels/vec_types.hpp"
#include "kernels/vec_without_masks.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

BP_INLINE VecF fma(VecF a, VecF b, VecF c) { return a * b + c; }
BP_INLINE VecD fma(VecD a, VecD b, VecD c) { return a * b + c; }

BP_INLINE VecF sqrt(VecF v) { return _mm_sqrt_ps(v); }
BP_INLINE VecD sqrt(VecD v) { return _mm_sqrt_pd(v); }

BP_INLINE VecF max(VecF a, VecF b) { return _mm_max_ps(a, b); }
BP_INLINE VecD max(VecD a, VecD b) { return _mm_max_pd(a, b); }
BP_INLINE VecF min(VecF a, VecF b) { return _mm_min_ps(a, b); }
BP_INLINE VecD min(VecD a, VecD b) { return _mm_min_pd(a, b); }

BP_INLINE bool any(VecInt<float> mask) { return _mm_movemask_epi8(reinterpret_cast<__m128i>(mask)) != 0; }
BP_INLINE bool any(VecInt<double> mask) { return _mm_movemask_epi8(reinterpret_cast<__m128i>(mask)) != 0; }

BP_INLINE VecBits<double> multiply_lower_halves(VecBits<double> a, VecBits<double> b) {
  return reinterpret_cast<VecBits<double>>(_mm_mul_epu32(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
}

BP_INLINE VecD widen_first(VecF v) { return _mm_cvtps_pd(v); }
BP_INLINE VecD widen_second(VecF v) { return _mm_cvtps_pd(_mm_movehl_ps(v, v)); }

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

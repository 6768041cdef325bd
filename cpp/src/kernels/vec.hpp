/// A vector of as many T as a register of this instruction set holds, on the compiler's own vector types: + − * / and
/// comparisons are the language's (a comparison gives a mask, mask ? a : b selects). Here is what the language lacks.
///
/// Included by isa_<name>.cpp alone, through the -inl files, with BACKPASS_KERNEL_NAMESPACE set; everything is in that
/// namespace, so that no two instruction sets ever share a symbol.
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define BP_INLINE static inline __attribute__((always_inline))

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

#if defined(__AVX512F__)
inline constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
inline constexpr int kVectorBytes = 32;
#else
inline constexpr int kVectorBytes = 16;
#endif

template <class T>
struct VecTraits;
template <>
struct VecTraits<float> {
  typedef float Vector __attribute__((vector_size(kVectorBytes)));
  typedef float Unaligned __attribute__((vector_size(kVectorBytes), aligned(4), may_alias));
  typedef int32_t Ints __attribute__((vector_size(kVectorBytes)));
};
template <>
struct VecTraits<double> {
  typedef double Vector __attribute__((vector_size(kVectorBytes)));
  typedef double Unaligned __attribute__((vector_size(kVectorBytes), aligned(8), may_alias));
  typedef int64_t Ints __attribute__((vector_size(kVectorBytes)));
};
template <class T>
using Vec = typename VecTraits<T>::Vector;
/// Signed integers of T's width; also the type of a comparison of Vec<T>: all ones where true.
template <class T>
using VecInt = typename VecTraits<T>::Ints;
template <class T>
inline constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(T));

using VecF = Vec<float>;
using VecD = Vec<double>;

template <class T>
BP_INLINE Vec<T> broadcast(T s) {
  return Vec<T>{} + s;
}
template <class T>
BP_INLINE Vec<T> load(const T* p) {
  return *reinterpret_cast<const typename VecTraits<T>::Unaligned*>(p);
}
template <class T>
BP_INLINE void store(T* p, Vec<T> v) {
  *reinterpret_cast<typename VecTraits<T>::Unaligned*>(p) = v;
}
template <class T>
BP_INLINE VecInt<T> as_int(Vec<T> v) {
  return reinterpret_cast<VecInt<T>>(v);
}
template <class T>
BP_INLINE Vec<T> as_real(VecInt<T> v) {
  return reinterpret_cast<Vec<T>>(v);
}

// The first n lanes, 0 <= n <= lanes; the others read as zero and are not written. Memory beyond them is not touched.
#if defined(__AVX512F__)
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
#elif defined(__AVX2__)
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
#else
template <class T>
BP_INLINE Vec<T> load_partial(const T* p, ptrdiff_t n) {
  Vec<T> v{};
  for (int i = 0; i < kLanes<T>; ++i) {
    if (i < n) {
      v[i] = p[i];
    }
  }
  return v;
}
template <class T>
BP_INLINE void store_partial(T* p, Vec<T> v, ptrdiff_t n) {
  for (int i = 0; i < kLanes<T>; ++i) {
    if (i < n) {
      p[i] = v[i];
    }
  }
}
#endif

// a * b + c: one rounding where the set has fused multiply-add, two where it has not.
#if defined(__AVX512F__)
BP_INLINE VecF fma(VecF a, VecF b, VecF c) { return _mm512_fmadd_ps(a, b, c); }
BP_INLINE VecD fma(VecD a, VecD b, VecD c) { return _mm512_fmadd_pd(a, b, c); }
#elif defined(__AVX2__)
BP_INLINE VecF fma(VecF a, VecF b, VecF c) { return _mm256_fmadd_ps(a, b, c); }
BP_INLINE VecD fma(VecD a, VecD b, VecD c) { return _mm256_fmadd_pd(a, b, c); }
#elif defined(BACKPASS_KERNEL_NEON)
BP_INLINE VecF fma(VecF a, VecF b, VecF c) { return (VecF)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
BP_INLINE VecD fma(VecD a, VecD b, VecD c) { return (VecD)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b); }
#else
BP_INLINE VecF fma(VecF a, VecF b, VecF c) { return a * b + c; }
BP_INLINE VecD fma(VecD a, VecD b, VecD c) { return a * b + c; }
#endif

#if defined(__AVX512F__)
BP_INLINE VecF sqrt(VecF v) { return _mm512_sqrt_ps(v); }
BP_INLINE VecD sqrt(VecD v) { return _mm512_sqrt_pd(v); }
#elif defined(__AVX2__)
BP_INLINE VecF sqrt(VecF v) { return _mm256_sqrt_ps(v); }
BP_INLINE VecD sqrt(VecD v) { return _mm256_sqrt_pd(v); }
#elif defined(__SSE2__)
BP_INLINE VecF sqrt(VecF v) { return _mm_sqrt_ps(v); }
BP_INLINE VecD sqrt(VecD v) { return _mm_sqrt_pd(v); }
#else
BP_INLINE VecF sqrt(VecF v) {
  for (int i = 0; i < kLanes<float>; ++i) v[i] = __builtin_sqrtf(v[i]);
  return v;
}
BP_INLINE VecD sqrt(VecD v) {
  for (int i = 0; i < kLanes<double>; ++i) v[i] = __builtin_sqrt(v[i]);
  return v;
}
#endif

/// Where a is NaN the result is b: max(x, s) with a constant second turns NaN into s, max(s, x) keeps it.
BP_INLINE VecF max(VecF a, VecF b) { return a > b ? a : b; }
BP_INLINE VecD max(VecD a, VecD b) { return a > b ? a : b; }
BP_INLINE VecF min(VecF a, VecF b) { return a < b ? a : b; }
BP_INLINE VecD min(VecD a, VecD b) { return a < b ? a : b; }

BP_INLINE VecF abs(VecF v) { return as_real<float>(as_int<float>(v) & 0x7fffffff); }
BP_INLINE VecD abs(VecD v) { return as_real<double>(as_int<double>(v) & 0x7fffffffffffffffLL); }
/// |magnitude| with the sign of sign.
BP_INLINE VecF copysign(VecF magnitude, VecF sign) {
  return as_real<float>((as_int<float>(magnitude) & 0x7fffffff) | (as_int<float>(sign) & INT32_MIN));
}
BP_INLINE VecD copysign(VecD magnitude, VecD sign) {
  return as_real<double>((as_int<double>(magnitude) & INT64_MAX) | (as_int<double>(sign) & INT64_MIN));
}

/// To the nearest integer, ties to even, for |v| < 2^22 (float) or 2^51 (double); the integer comes along.
BP_INLINE VecF round_to_int(VecF v, VecInt<float>& n) {
  const VecF shifter = broadcast(0x1.8p23F);
  const VecF shifted = v + shifter;
  n = as_int<float>(shifted) - as_int<float>(shifter);
  return shifted - shifter;
}
BP_INLINE VecD round_to_int(VecD v, VecInt<double>& n) {
  const VecD shifter = broadcast(0x1.8p52);
  const VecD shifted = v + shifter;
  n = as_int<double>(shifted) - as_int<double>(shifter);
  return shifted - shifter;
}

/// The sum of all lanes, halves first: a fixed tree.
template <class T>
BP_INLINE T horizontal_sum(Vec<T> v) {
  for (int half = kLanes<T> / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) {
      v[i] += v[i + half];
    }
  }
  return v[0];
}
template <class T>
BP_INLINE T horizontal_max(Vec<T> v) {
  for (int half = kLanes<T> / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) {
      v[i] = v[i] > v[i + half] ? v[i] : v[i + half];
    }
  }
  return v[0];
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

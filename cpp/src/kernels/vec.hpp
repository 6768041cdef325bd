/// Vectors that fill one register of the instruction set, based on the compiler's vector types. The language provides
/// arithmetic and comparisons (a comparison gives a mask; mask ? a : b selects per lane). This file adds the other
/// operations.
///
/// Only isa_<name>.cpp includes this file, through the -inl files, with BACKPASS_KERNEL_NAMESPACE defined. Everything
/// is in that namespace, so two instruction sets never share a symbol.
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define BP_INLINE static inline __attribute__((always_inline))
/// Placed before a short loop over an array of vectors: unrolling keeps the array in registers.
#if defined(__clang__)
#define BP_UNROLL _Pragma("unroll")
#else
#define BP_UNROLL _Pragma("GCC unroll 16")
#endif

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
  typedef uint32_t Bits __attribute__((vector_size(kVectorBytes)));
};
template <>
struct VecTraits<double> {
  typedef double Vector __attribute__((vector_size(kVectorBytes)));
  typedef double Unaligned __attribute__((vector_size(kVectorBytes), aligned(8), may_alias));
  typedef int64_t Ints __attribute__((vector_size(kVectorBytes)));
  typedef uint64_t Bits __attribute__((vector_size(kVectorBytes)));
};
template <class T>
using Vec = typename VecTraits<T>::Vector;
/// Signed integers of T's width. A comparison of Vec<T> also has this type: all bits of a lane are 1 where it is true.
template <class T>
using VecInt = typename VecTraits<T>::Ints;
/// Unsigned integers of T's width: >> shifts in zeros. (A right shift of signed 64-bit lanes needs AVX-512.)
template <class T>
using VecBits = typename VecTraits<T>::Bits;
template <class T>
inline constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(T));

using VecF = Vec<float>;
using VecD = Vec<double>;

template <class T>
BP_INLINE Vec<T> broadcast(T s) {
  return s - Vec<T>{};  // s − 0 is s for every s, and costs nothing; 0 + s would turn −0 into +0
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
template <class T>
BP_INLINE VecBits<T> as_bits(Vec<T> v) {
  return reinterpret_cast<VecBits<T>>(v);
}
template <class T>
BP_INLINE Vec<T> as_real(VecBits<T> v) {
  return reinterpret_cast<Vec<T>>(v);
}

inline constexpr int32_t kIndices32[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
inline constexpr int64_t kIndices64[8] = {0, 1, 2, 3, 4, 5, 6, 7};
/// Lane i contains i.
template <class T>
BP_INLINE VecInt<T> lane_indices() {
  VecInt<T> v;
  if constexpr (sizeof(T) == 4) {
    __builtin_memcpy(&v, kIndices32, sizeof v);
  } else {
    __builtin_memcpy(&v, kIndices64, sizeof v);
  }
  return v;
}
/// True in the first n lanes, n >= 0; n may exceed the number of lanes.
template <class T>
BP_INLINE VecInt<T> first_lanes(ptrdiff_t n) {
  using Int = __typeof__(VecInt<T>{}[0]);
  return lane_indices<T>() < (VecInt<T>{} + static_cast<Int>(n < kLanes<T> ? n : kLanes<T>));
}

// Load or store the first n lanes, 0 <= n <= kLanes. A load sets the other lanes to 0. Memory beyond the n elements is
// not accessed.
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

// Half a vector, for the end of a row with at most kLanes / 2 elements: where a 512-bit multiply-add occupies a unit
// for two cycles, a 256-bit one occupies it for one cycle.
#if defined(__AVX512F__)
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
#else
inline constexpr bool kHasHalf = false;
template <class T>
using Half = Vec<T>;
template <class T>
BP_INLINE Vec<T> load_half(const T* p, ptrdiff_t n) {
  return load_partial(p, n);
}
template <class V>
BP_INLINE V first_half(V v) {
  return v;
}
#endif

// Load or store the next vector of an array with n elements left: a full or a partial vector. A loop that uses these
// functions has one body for full vectors and tail, so both do the same operations.
template <class T>
BP_INLINE Vec<T> load_next(const T* p, ptrdiff_t n) {
  return n >= kLanes<T> ? load(p) : load_partial(p, n);
}
template <class T>
BP_INLINE void store_next(T* p, Vec<T> v, ptrdiff_t n) {
  if (n >= kLanes<T>) {
    store(p, v);
  } else {
    store_partial(p, v, n);
  }
}

// a * b + c: rounded once if the instruction set has fused multiply-add, twice otherwise.
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

/// max: a > b ? a : b. min: a < b ? a : b. If a or b is NaN, the result is b: max(x, s) with a constant s turns NaN
/// into s, and max(s, x) keeps NaN. x86 has one instruction for exactly this operation.
#if defined(__AVX512F__)
BP_INLINE VecF max(VecF a, VecF b) { return _mm512_max_ps(a, b); }
BP_INLINE VecD max(VecD a, VecD b) { return _mm512_max_pd(a, b); }
BP_INLINE VecF min(VecF a, VecF b) { return _mm512_min_ps(a, b); }
BP_INLINE VecD min(VecD a, VecD b) { return _mm512_min_pd(a, b); }
#elif defined(__AVX2__)
BP_INLINE VecF max(VecF a, VecF b) { return _mm256_max_ps(a, b); }
BP_INLINE VecD max(VecD a, VecD b) { return _mm256_max_pd(a, b); }
BP_INLINE VecF min(VecF a, VecF b) { return _mm256_min_ps(a, b); }
BP_INLINE VecD min(VecD a, VecD b) { return _mm256_min_pd(a, b); }
#elif defined(__SSE2__)
BP_INLINE VecF max(VecF a, VecF b) { return _mm_max_ps(a, b); }
BP_INLINE VecD max(VecD a, VecD b) { return _mm_max_pd(a, b); }
BP_INLINE VecF min(VecF a, VecF b) { return _mm_min_ps(a, b); }
BP_INLINE VecD min(VecD a, VecD b) { return _mm_min_pd(a, b); }
#else
BP_INLINE VecF max(VecF a, VecF b) { return a > b ? a : b; }
BP_INLINE VecD max(VecD a, VecD b) { return a > b ? a : b; }
BP_INLINE VecF min(VecF a, VecF b) { return a < b ? a : b; }
BP_INLINE VecD min(VecD a, VecD b) { return a < b ? a : b; }
#endif

BP_INLINE VecF abs(VecF v) { return as_real<float>(as_int<float>(v) & 0x7fffffff); }
BP_INLINE VecD abs(VecD v) { return as_real<double>(as_int<double>(v) & 0x7fffffffffffffffLL); }
/// |magnitude| with the sign of `sign`.
BP_INLINE VecF copysign(VecF magnitude, VecF sign) {
  return as_real<float>((as_int<float>(magnitude) & 0x7fffffff) | (as_int<float>(sign) & INT32_MIN));
}
BP_INLINE VecD copysign(VecD magnitude, VecD sign) {
  return as_real<double>((as_int<double>(magnitude) & INT64_MAX) | (as_int<double>(sign) & INT64_MIN));
}

/// −1, 0 or 1. NaN stays NaN, so that a NaN gradient remains visible.
BP_INLINE VecF sign(VecF v) { return ((v > 0.0F) | (v < 0.0F)) ? copysign(broadcast(1.0F), v) : v; }
BP_INLINE VecD sign(VecD v) { return ((v > 0.0) | (v < 0.0)) ? copysign(broadcast(1.0), v) : v; }

/// Rounds to the nearest integer, ties to even, for |v| < 2^22 (float) or 2^51 (double). n receives the integer modulo
/// 2^32 (2^64). n is unsigned because a larger |v| leaves an arbitrary value in n, and arithmetic with this value must
/// not overflow.
BP_INLINE VecF round_to_int(VecF v, VecBits<float>& n) {
  const VecF shifter = broadcast(0x1.8p23F);
  const VecF shifted = v + shifter;
  n = as_bits<float>(shifted) - as_bits<float>(shifter);
  return shifted - shifter;
}
BP_INLINE VecD round_to_int(VecD v, VecBits<double>& n) {
  const VecD shifter = broadcast(0x1.8p52);
  const VecD shifted = v + shifter;
  n = as_bits<double>(shifted) - as_bits<double>(shifter);
  return shifted - shifter;
}

/// v · 2^n for an integer n = n_int with |n| < 2 · 127 (float) or 2 · 1023 (double). The result may be denormal and is
/// rounded once.
template <class T>
BP_INLINE Vec<T> scale_by_power_of_two(Vec<T> v, [[maybe_unused]] Vec<T> n, [[maybe_unused]] VecBits<T> n_int) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    return _mm512_scalef_ps(v, n);
  } else {
    return _mm512_scalef_pd(v, n);
  }
#else
  // Two factors with half the exponent each: neither factor is denormal or infinite.
  constexpr unsigned kBias = sizeof(T) == 4 ? 127 : 1023;
  constexpr int kMantissaBits = sizeof(T) == 4 ? 23 : 52;
  const VecBits<T> biased = n_int + 2 * kBias;
  const VecBits<T> half = biased >> 1;
  return v * as_real<T>(half << kMantissaBits) * as_real<T>((biased - half) << kMantissaBits);
#endif
}

/// True if any lane of the mask is true.
#if defined(__AVX512F__)
BP_INLINE bool any(VecInt<float> mask) { return _mm512_movepi32_mask(reinterpret_cast<__m512i>(mask)) != 0; }
BP_INLINE bool any(VecInt<double> mask) { return _mm512_movepi64_mask(reinterpret_cast<__m512i>(mask)) != 0; }
#elif defined(__AVX2__)
BP_INLINE bool any(VecInt<float> mask) { return _mm256_movemask_epi8(reinterpret_cast<__m256i>(mask)) != 0; }
BP_INLINE bool any(VecInt<double> mask) { return _mm256_movemask_epi8(reinterpret_cast<__m256i>(mask)) != 0; }
#elif defined(__SSE2__)
BP_INLINE bool any(VecInt<float> mask) { return _mm_movemask_epi8(reinterpret_cast<__m128i>(mask)) != 0; }
BP_INLINE bool any(VecInt<double> mask) { return _mm_movemask_epi8(reinterpret_cast<__m128i>(mask)) != 0; }
#else
BP_INLINE bool any(VecInt<float> mask) { return (mask[0] | mask[1] | mask[2] | mask[3]) != 0; }
BP_INLINE bool any(VecInt<double> mask) { return (mask[0] | mask[1]) != 0; }
#endif

/// The 64-bit products of the lower 32 bits of each 64-bit lane.
BP_INLINE VecBits<double> multiply_lower_halves(VecBits<double> a, VecBits<double> b) {
#if defined(__AVX512F__)
  return reinterpret_cast<VecBits<double>>(
      _mm512_mul_epu32(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<VecBits<double>>(
      _mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#elif defined(__SSE2__)
  return reinterpret_cast<VecBits<double>>(_mm_mul_epu32(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
  return (a & 0xffffffffU) * (b & 0xffffffffU);
#endif
}

/// Loads kLanes 32-bit words, each into a lane of T's width.
template <class T>
BP_INLINE VecBits<T> load_words(const uint32_t* p) {
  typedef uint32_t Words __attribute__((vector_size(4 * kLanes<T>)));
  Words w;
  __builtin_memcpy(&w, p, sizeof w);
  return __builtin_convertvector(w, VecBits<T>);
}

// The first and the second half of v, converted to double.
#if defined(__AVX512F__)
BP_INLINE VecD widen_first(VecF v) { return _mm512_cvtps_pd(_mm512_castps512_ps256(v)); }
BP_INLINE VecD widen_second(VecF v) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1)); }
#elif defined(__AVX2__)
BP_INLINE VecD widen_first(VecF v) { return _mm256_cvtps_pd(_mm256_castps256_ps128(v)); }
BP_INLINE VecD widen_second(VecF v) { return _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)); }
#elif defined(__SSE2__)
BP_INLINE VecD widen_first(VecF v) { return _mm_cvtps_pd(v); }
BP_INLINE VecD widen_second(VecF v) { return _mm_cvtps_pd(_mm_movehl_ps(v, v)); }
#else
BP_INLINE VecD widen_first(VecF v) { return VecD{static_cast<double>(v[0]), static_cast<double>(v[1])}; }
BP_INLINE VecD widen_second(VecF v) { return VecD{static_cast<double>(v[2]), static_cast<double>(v[3])}; }
#endif

/// The sum of all lanes in a fixed order: the upper half is added to the lower half until one lane is left.
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

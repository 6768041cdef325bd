/// The vector operations of the kernels. vec_types.hpp defines the vectors. vec_<name>.hpp defines the operations that
/// depend on the instruction set; this file defines the others.
///
/// Only isa_<name>.cpp includes this file, through the -inl files, with BACKPASS_KERNEL_NAMESPACE and
/// BACKPASS_KERNEL_VECTORS (the name of vec_<name>.hpp) defined. Everything is in that namespace, so two instruction
/// sets never share a symbol.
///
/// Every vec_<name>.hpp defines, for float and double:
///   kVectorBytes, kRegisters, kFused    the size and the number of the vector registers, and whether fma() rounds once
///   load_partial(p, n)                  the first n lanes from memory, 0 <= n <= kLanes, and 0 in the other lanes;
///   store_partial(p, v, n)              the first n lanes to memory. Memory beyond the n elements is not accessed
///   kHasHalf, Half<T>, load_half(p, n), first_half(v)
///                                       half a vector, for the end of a row with at most kLanes / 2 elements: where a
///                                       512-bit multiply-add occupies a unit for two cycles, a 256-bit one occupies it
///                                       for one cycle. Without halves, Half is Vec
///   fma(a, b, c)                        a * b + c, rounded once if kFused, else twice
///   sqrt(v)
///   max(a, b), min(a, b)                a > b ? a : b and a < b ? a : b. If a or b is NaN, the result is b: max(x, s)
///                                       with a constant s turns NaN into s, and max(s, x) keeps NaN. x86 has one
///                                       instruction for exactly this operation
///   any(mask)                           whether any lane of the mask is true
///   multiply_lower_halves(a, b)         the 64-bit products of the lower 32 bits of each 64-bit lane
///   widen_first(v), widen_second(v)     the first and the second half of a float vector, converted to double
///   scale_by_power_of_two(v, n, n_int)  v · 2^n for an integer n = n_int with |n| < 2 kExponentBias. The result may be
///                                       denormal and is rounded once
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BP_INLINE static inline __attribute__((always_inline))
/// Unrolls the next loop, a short loop over an array of vectors, so that the array stays in registers.
#if defined(__clang__)
#define BP_UNROLL _Pragma("unroll")
#else
#define BP_UNROLL _Pragma("GCC unroll 16")
#endif

#include BACKPASS_KERNEL_VECTORS

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

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

/// Loads kLanes 32-bit words, each into a lane of T's width.
template <class T>
BP_INLINE VecBits<T> load_words(const uint32_t* p) {
  typedef uint32_t Words __attribute__((vector_size(4 * kLanes<T>)));
  Words w;
  __builtin_memcpy(&w, p, sizeof w);
  return __builtin_convertvector(w, VecBits<T>);
}

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

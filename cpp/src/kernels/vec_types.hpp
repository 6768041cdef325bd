/// Vectors that fill one register of the instruction set, based on the compiler's vector types. The language provides
/// arithmetic and comparisons (a comparison gives a mask; mask ? a : b selects per lane).
///
/// Included by vec_<name>.hpp, which has defined kVectorBytes.
#pragma once

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

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

/// The bits of a T are: sign, exponent + kExponentBias, kMantissaBits bits of the fraction.
template <class T>
inline constexpr unsigned kExponentBias = sizeof(T) == 4 ? 127 : 1023;
template <class T>
inline constexpr int kMantissaBits = sizeof(T) == 4 ? 23 : 52;

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

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

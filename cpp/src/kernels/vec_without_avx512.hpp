/// For the instruction sets without AVX-512. The file that includes this one has defined load_partial(). vec.hpp
/// documents the functions.
#pragma once

#include "kernels/vec_types.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

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

template <class T>
BP_INLINE Vec<T> scale_by_power_of_two(Vec<T> v, Vec<T> /*n*/, VecBits<T> n_int) {
  // Two factors with half the exponent each: neither factor is denormal or infinite.
  const VecBits<T> biased = n_int + 2 * kExponentBias<T>;
  const VecBits<T> half = biased >> 1;
  return v * as_real<T>(half << kMantissaBits<T>) * as_real<T>((biased - half) << kMantissaBits<T>);
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

/// For the instruction sets without masked loads and stores. vec.hpp documents the functions.
#pragma once

#include "kernels/vec_types.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

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

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

#include "kernels/vec_without_avx512.hpp"

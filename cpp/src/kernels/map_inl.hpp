/// Loops over arrays, and sums whose order depends only on the number of elements.
#pragma once

#include "kernels/vec.hpp"

#define BP_INLINE_LAMBDA __attribute__((always_inline))

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

/// y[i] = f(x[i]); y may be x.
template <class T, class F>
BP_INLINE void map(ptrdiff_t n, const T* x, T* y, F f) {
  for (ptrdiff_t i = 0; i < n; i += kLanes<T>) {
    store_next<T>(y + i, f(load_next(x + i, n - i)), n - i);
  }
}
/// y[i] = f(x[i], y[i]).
template <class T, class F>
BP_INLINE void update(ptrdiff_t n, const T* x, T* y, F f) {
  for (ptrdiff_t i = 0; i < n; i += kLanes<T>) {
    store_next<T>(y + i, f(load_next(x + i, n - i), load_next(y + i, n - i)), n - i);
  }
}

/// A sum in double precision: every lane sums its own elements, and total() adds the lanes. A sum of a million floats
/// keeps float accuracy, and the square of any float is finite.
template <class T>
struct Sum;
template <>
struct Sum<float> {
  VecD first{}, second{};
  BP_INLINE_LAMBDA void add(VecF v) {
    first += widen_first(v);
    second += widen_second(v);
  }
  BP_INLINE_LAMBDA void add_product(VecF a, VecF b) {
    first = fma(widen_first(a), widen_first(b), first);
    second = fma(widen_second(a), widen_second(b), second);
  }
  [[nodiscard]] BP_INLINE_LAMBDA double total() const { return horizontal_sum<double>(first + second); }
};
template <>
struct Sum<double> {
  VecD lanes{};
  BP_INLINE_LAMBDA void add(VecD v) { lanes += v; }
  BP_INLINE_LAMBDA void add_product(VecD a, VecD b) { lanes = fma(a, b, lanes); }
  [[nodiscard]] BP_INLINE_LAMBDA double total() const { return horizontal_sum<double>(lanes); }
};

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

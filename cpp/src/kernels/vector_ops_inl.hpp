/// Sums and updates of flat arrays, for clipping, penalties and the reduction of gradients.
#pragma once

#include "kernels/map_inl.hpp"
#include "kernels/prefetch_inl.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

template <class T>
double sum_squares(Index n, const T* x) {
  Sum<T> sum;
  for (Index i = 0; i < n; i += kLanes<T>) {
    const Vec<T> v = load_next(x + i, n - i);
    sum.add_product(v, v);
  }
  return sum.total();
}

template <class T>
void add(Index n, const T* x, T* y) {
  update(n, x, y, [](Vec<T> xi, Vec<T> yi) BP_INLINE_LAMBDA { return yi + xi; });
}

template <class T>
void scale(Index n, T s, T* x) {
  map(n, x, x, [=](Vec<T> v) BP_INLINE_LAMBDA { return v * s; });
}

template <class T>
void clamp(Index n, T limit, T* x) {
  // min and max return their second argument if an argument is NaN. v is the second argument, so NaN stays NaN.
  map(n, x, x, [=](Vec<T> v) BP_INLINE_LAMBDA { return min(broadcast(limit), max(broadcast(-limit), v)); });
}

/// g += ∂/∂w (l1 |w| + l2 w² / 2), where the derivative of |w| at w = 0 is 0.
template <class T>
void add_penalty(Index n, T l1, T l2, const T* w, T* g) {
  update(n, w, g, [=](Vec<T> wi, Vec<T> gi) BP_INLINE_LAMBDA { return gi + fma(broadcast(l2), wi, sign(wi) * l1); });
}

template <class T>
void take_ownership(Index n, T* x) {
  take_ownership_of_lines<1>(x, (n + kLine<T> - 1) / kLine<T>, kLine<T>);
}

template <class T>
constexpr void add_vector_kernels(KernelTable<T>& t) {
  t.sum_squares = sum_squares<T>;
  t.add = add<T>;
  t.scale = scale<T>;
  t.clamp = clamp<T>;
  t.take_ownership = take_ownership<T>;
  t.add_penalty = add_penalty<T>;
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

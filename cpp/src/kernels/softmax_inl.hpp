/// softmax and log_softmax of a row, and the products with their Jacobians.
#pragma once

#include "kernels/loops_inl.hpp"
#include "kernels/math_inl.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

/// The largest element. NaN may be passed over: z − max brings it back.
template <class T>
BP_INLINE T row_max(Index n, const T* z) {
  Vec<T> m = broadcast(-Limits<T>::kInfinity);
  for (Index i = 0; i < n; i += kLanes<T>) {
    const Vec<T> v = load_next(z + i, n - i);
    m = max(first_lanes<T>(n - i) ? v : m, m);
  }
  return horizontal_max<T>(m);
}

/// log x, one number.
BP_INLINE double log_of(double x) { return log<double>(broadcast(x))[0]; }

/// a = e^(z − max z) / Σ.
template <class T>
void softmax(Index n, const T* z, T* a) {
  const T m = row_max(n, z);
  Sum<T> sum;
  for (Index i = 0; i < n; i += kLanes<T>) {
    const Vec<T> e = exp<T>(load_next(z + i, n - i) - m);
    sum.add(first_lanes<T>(n - i) ? e : Vec<T>{});
    store_next(a + i, e, n - i);
  }
  const T inverse = static_cast<T>(1.0 / sum.total());
  map(n, a, a, [=](Vec<T> e) BP_INLINE_LAMBDA { return e * inverse; });
}

/// a = (z − max z) − log Σ e^(z − max z).
template <class T>
void log_softmax(Index n, const T* z, T* a) {
  const T m = row_max(n, z);
  Sum<T> sum;
  for (Index i = 0; i < n; i += kLanes<T>) {
    const Vec<T> e = exp<T>(load_next(z + i, n - i) - m);
    sum.add(first_lanes<T>(n - i) ? e : Vec<T>{});
  }
  const T log_sum = static_cast<T>(log_of(sum.total()));
  map(n, z, a, [=](Vec<T> v) BP_INLINE_LAMBDA { return (v - m) - log_sum; });
}

/// ∂a_k/∂z_j = a_k (δ_kj − a_j), so (J^T g)_j = a_j (g_j − Σ_k g_k a_k).
template <class T>
void softmax_gradient(Index n, const T* a, T* g) {
  Sum<T> sum;
  for (Index i = 0; i < n; i += kLanes<T>) {
    sum.add_product(load_next(g + i, n - i), load_next(a + i, n - i));
  }
  const T mean = static_cast<T>(sum.total());
  update(n, a, g, [=](Vec<T> ai, Vec<T> gi) BP_INLINE_LAMBDA { return ai * (gi - mean); });
}

/// ∂a_k/∂z_j = δ_kj − e^(a_j), so (J^T g)_j = g_j − e^(a_j) Σ_k g_k.
template <class T>
void log_softmax_gradient(Index n, const T* a, T* g) {
  Sum<T> sum;
  for (Index i = 0; i < n; i += kLanes<T>) {
    sum.add(load_next(g + i, n - i));
  }
  const T total = static_cast<T>(sum.total());
  update(n, a, g, [=](Vec<T> ai, Vec<T> gi) BP_INLINE_LAMBDA { return fma(exp<T>(ai), broadcast(-total), gi); });
}

template <class T>
constexpr void add_softmax_kernels(KernelTable<T>& t) {
  t.softmax = softmax<T>;
  t.log_softmax = log_softmax<T>;
  t.softmax_gradient = softmax_gradient<T>;
  t.log_softmax_gradient = log_softmax_gradient<T>;
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

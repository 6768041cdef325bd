/// softmax and log_softmax of a row z (n), and the products of their transposed Jacobians with a gradient g (n).
#pragma once

#include "kernels/map_inl.hpp"
#include "kernels/math_inl.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

/// The largest element of z (n). It may ignore NaN elements, because z − max is NaN for them in any case.
template <class T>
BP_INLINE T row_max(Index n, const T* z) {
  Vec<T> m = broadcast(-Limits<T>::kInfinity);
  for (Index i = 0; i < n; i += kLanes<T>) {
    const Vec<T> v = load_next(z + i, n - i);
    m = max(first_lanes<T>(n - i) ? v : m, m);
  }
  return horizontal_max<T>(m);
}

/// log x and log(1 + x) of one number.
BP_INLINE double log_of(double x) { return log<double>(broadcast(x))[0]; }
BP_INLINE double log1p_of(double x) { return log1p<double>(broadcast(x))[0]; }

/// a = e^(z − m) / Σ_k e^(z_k − m) with m = max z.
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

/// a = (z − m) − log Σ_k e^(z_k − m) with m = max z. Each of the largest elements contributes 1 to the sum, and they
/// are counted separately from the rest. If there is only one, its a = −log(1 + rest) keeps its digits even if 1 + rest
/// rounds to 1.
template <class T>
void log_softmax(Index n, const T* z, T* a) {
  const T m = row_max(n, z);
  Sum<T> rest;
  Sum<T> count;
  for (Index i = 0; i < n; i += kLanes<T>) {
    const Vec<T> v = load_next(z + i, n - i);
    const Vec<T> e = exp<T>(v - m);
    // e − 1 = 0 for a largest element. A constant 0 would hide NaN, which also results from an infinite m.
    const VecInt<T> largest = v == m;
    rest.add(first_lanes<T>(n - i) ? (largest ? e - T(1) : e) : Vec<T>{});
    count.add(first_lanes<T>(n - i) & largest ? broadcast(T(1)) : Vec<T>{});
  }
  const T log_sum =
      static_cast<T>(count.total() == 1.0 ? log1p_of(rest.total()) : log_of(count.total() + rest.total()));
  map(n, z, a, [=](Vec<T> v) BP_INLINE_LAMBDA { return (v - m) - log_sum; });
}

/// ∂a_k/∂z_j = a_k (δ_kj − a_j), so (J^T g)_j = a_j (g_j − Σ_k g_k a_k). Since Σ_k a_k = 1, the result stays the same
/// if one number is subtracted from all g_k. That number is the g of the largest a: this a may round to 1, and 1 − a
/// would then have no digits.
// [softmax-gradient]
template <class T>
void softmax_gradient(Index n, const T* a, T* g) {
  const T largest = row_max(n, a);
  Index at = 0;
  while (at < n - 1 && a[at] != largest) {
    ++at;
  }
  const T base = g[at];
  Sum<T> sum;
  for (Index i = 0; i < n; i += kLanes<T>) {
    const Vec<T> difference = load_next(g + i, n - i) - base;
    sum.add_product(first_lanes<T>(n - i) ? difference : Vec<T>{}, load_next(a + i, n - i));
  }
  const T mean = static_cast<T>(sum.total());
  update(n, a, g, [=](Vec<T> ai, Vec<T> gi) BP_INLINE_LAMBDA { return ai * ((gi - base) - mean); });
}
// [/softmax-gradient]

/// ∂a_k/∂z_j = δ_kj − e^(a_j), so (J^T g)_j = g_j − e^(a_j) Σ_k g_k.
/// Where e^(a_j) is near 1, this is computed as (g_j − Σ_k g_k) − (e^(a_j) − 1) Σ_k g_k.
// [log-softmax-gradient]
template <class T>
void log_softmax_gradient(Index n, const T* a, T* g) {
  Sum<T> sum;
  for (Index i = 0; i < n; i += kLanes<T>) {
    sum.add(load_next(g + i, n - i));
  }
  const T total = static_cast<T>(sum.total());
  update(n, a, g, [=](Vec<T> ai, Vec<T> gi) BP_INLINE_LAMBDA {
    const VecInt<T> near_one = ai > T(-0.6931);
    const Vec<T> probability = near_one ? expm1<T>(ai) : exp<T>(ai);
    return fma(probability, broadcast(-total), near_one ? gi - total : gi);
  });
}
// [/log-softmax-gradient]

template <class T>
constexpr void add_softmax_kernels(KernelTable<T>& t) {
  t.softmax = softmax<T>;
  t.log_softmax = log_softmax<T>;
  t.softmax_gradient = softmax_gradient<T>;
  t.log_softmax_gradient = log_softmax_gradient<T>;
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

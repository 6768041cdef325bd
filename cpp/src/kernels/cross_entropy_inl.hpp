/// Cross-entropy −Σ_k t_k log p_k of a row, from probabilities or logits, with class labels or distributions t as
/// targets.
///
/// Smoothing by ε replaces t by t' = (1 − ε) t + ε / n. The sum of a distribution may differ from 1.
#pragma once

#include "kernels/loss_inl.hpp"
#include "kernels/softmax_inl.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

template <class T>
struct DenseTarget {
  const T* y;
  T share;  // ε / n
  T rest;   // 1 − ε
  BP_INLINE_LAMBDA DenseTarget(const T* values, Index, T smoothing, Index n)
      : y(values), share(smoothing / static_cast<T>(n)), rest(T(1) - smoothing) {}
  [[nodiscard]] BP_INLINE_LAMBDA Vec<T> at(Index i, Index left) const {
    return fma(load_next(y + i, left), broadcast(rest), broadcast(share));
  }
};
template <class T>
struct LabelTarget {
  Index label;
  T share;  // target of the other classes: ε / n
  T own;    // target of the label: 1 − ε + ε / n
  BP_INLINE_LAMBDA LabelTarget(const T*, Index row_label, T smoothing, Index n)
      : label(row_label), share(smoothing / static_cast<T>(n)), own(T(1) - smoothing + share) {}
  [[nodiscard]] BP_INLINE_LAMBDA Vec<T> at(Index i, Index) const {
    using Int = __typeof__(VecInt<T>{}[0]);
    return lane_indices<T>() == (VecInt<T>{} + static_cast<Int>(label - i)) ? broadcast(own) : broadcast(share);
  }
};

/// From probabilities a: value −Σ_k t_k log a_k, gradient −t / a.
template <class T, template <class> class Target>
BP_INLINE double cross_entropy_of(Index n, T smoothing, const T* a, const T* y, Index label, T scale, T* g) {
  const Target<T> target(y, label, smoothing, n);
  Sum<T> sum;
  for (Index i = 0; i < n; i += kLanes<T>) {
    const Vec<T> ai = load_next(a + i, n - i);
    const Vec<T> t = first_lanes<T>(n - i) ? target.at(i, n - i) : Vec<T>{};
    sum.add_product(t, -max(broadcast(kLeastLog<T>), log<T>(ai)));
    if (g != nullptr) {
      store_next<T>(g + i, -scale * t / max(broadcast(kLeastDenominator<T>), ai), n - i);
    }
  }
  return sum.total();
}

/// From logits z: value Σ_k t_k (log S + m − z_k) with m = max z and S = Σ_k e^(z_k − m), gradient p Σ_k t_k − t with
/// p_k = e^(z_k − m) / S.
// [softmax-cross-entropy]
template <class T, template <class> class Target>
BP_INLINE double softmax_cross_entropy_of(Index n, T smoothing, const T* z, const T* y, Index label, T scale, T* g) {
  const Target<T> target(y, label, smoothing, n);
  const T m = row_max(n, z);
  Sum<T> exponentials;
  Sum<T> targets;
  Sum<T> half_distances;  // half of m − z, because m − z may overflow
  for (Index i = 0; i < n; i += kLanes<T>) {
    const VecInt<T> valid = first_lanes<T>(n - i);
    const Vec<T> zi = load_next(z + i, n - i);
    const Vec<T> t = valid ? target.at(i, n - i) : Vec<T>{};
    const Vec<T> e = valid ? exp<T>(zi - m) : Vec<T>{};
    exponentials.add(e);
    targets.add(t);
    // A class with target 0 may have the logit −inf: 0 · inf would be NaN.
    half_distances.add_product(t, t == T(0) ? Vec<T>{} : T(0.5) * m - T(0.5) * zi);
    if (g != nullptr) {
      store_next<T>(g + i, e, n - i);  // g may be z: these elements of z are not read again
    }
  }
  const double sum = exponentials.total();
  const double total = targets.total();
  if (g != nullptr) {
    const Vec<T> weight = broadcast(static_cast<T>(total / sum));
    for (Index i = 0; i < n; i += kLanes<T>) {
      const Vec<T> e = load_next(g + i, n - i);
      store_next<T>(g + i, fma(e, weight, -target.at(i, n - i)) * scale, n - i);
    }
  }
  return total * log_of(sum) + 2.0 * half_distances.total();
}
// [/softmax-cross-entropy]

template <class T>
double cross_entropy(Index n, T smoothing, const T* a, const T* y, Index label, T scale, T* g) {
  return y != nullptr ? cross_entropy_of<T, DenseTarget>(n, smoothing, a, y, label, scale, g)
                      : cross_entropy_of<T, LabelTarget>(n, smoothing, a, y, label, scale, g);
}
template <class T>
double softmax_cross_entropy(Index n, T smoothing, const T* z, const T* y, Index label, T scale, T* g) {
  return y != nullptr ? softmax_cross_entropy_of<T, DenseTarget>(n, smoothing, z, y, label, scale, g)
                      : softmax_cross_entropy_of<T, LabelTarget>(n, smoothing, z, y, label, scale, g);
}

template <class T>
constexpr void add_cross_entropy_kernels(KernelTable<T>& t) {
#define BACKPASS_KERNEL(name, ...) t.loss[static_cast<int>(LossKernel::name)] = name<T>;
  BACKPASS_ROW_LOSSES(BACKPASS_KERNEL)
#undef BACKPASS_KERNEL
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

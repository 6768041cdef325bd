/// Losses that are a sum over the elements of a row: value e(s, y) and derivative ∂e/∂s of one element, and the loop
/// over a row.
///
/// Definitions, and the gradient at a kink, are PyTorch's if PyTorch has the loss. The losses that combine an output
/// activation with its loss (SigmoidCrossEntropy, PoissonExp, PoissonSoftplus) take z: they do not overflow and keep
/// the accuracy in the tails.
#pragma once

#include "kernels/map_inl.hpp"
#include "kernels/smooth_activation_inl.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

/// Losses of probabilities clamp logarithms to at least kLeastLog, and denominators to at least kLeastDenominator.
template <class T>
inline constexpr T kLeastDenominator = T(1e-12);
template <class T>
inline constexpr T kLeastLog = T(-100);

template <class T>
struct Term {
  Vec<T> value, gradient;
};
/// The value is factor · other, multiplied in double precision, so that a product of two finite floats is finite.
template <class T>
struct ProductTerm {
  Vec<T> factor, other, gradient;
};
template <class T>
BP_INLINE void add_term(Sum<T>& sum, VecInt<T> valid, const Term<T>& t) {
  sum.add(valid ? t.value : Vec<T>{});
}
template <class T>
BP_INLINE void add_term(Sum<T>& sum, VecInt<T> valid, const ProductTerm<T>& t) {
  sum.add_product(valid ? t.factor : Vec<T>{}, valid ? t.other : Vec<T>{});
}

template <class T, class Loss>
double elementwise_loss(Index n, T parameter, const T* s, const T* y, Index, T scale, T* g) {
  Sum<T> sum;
  for (Index i = 0; i < n; i += kLanes<T>) {
    const auto term = Loss::term(load_next(s + i, n - i), load_next(y + i, n - i), parameter);
    add_term<T>(sum, first_lanes<T>(n - i), term);
    if (g != nullptr) {
      store_next<T>(g + i, term.gradient * scale, n - i);
    }
  }
  return sum.total();
}

// [mse]
template <class T>
struct MeanSquaredError {
  BP_INLINE ProductTerm<T> term(Vec<T> a, Vec<T> y, T) {
    const Vec<T> d = a - y;
    return {d, d, d + d};
  }
};
// [/mse]

template <class T>
struct MeanAbsoluteError {
  BP_INLINE Term<T> term(Vec<T> a, Vec<T> y, T) {
    const Vec<T> d = a - y;
    return {abs(d), sign(d)};
  }
};

/// With d = a − y: value d²/2 for |d| <= δ, δ (|d| − δ/2) otherwise. Both are c (|d| − c/2) with c = min(|d|, δ).
template <class T>
struct Huber {
  BP_INLINE ProductTerm<T> term(Vec<T> a, Vec<T> y, T delta) {
    const Vec<T> d = a - y;
    const Vec<T> magnitude = abs(d);
    const Vec<T> c = min(broadcast(delta), magnitude);
    return {c, magnitude - T(0.5) * c, copysign(c, d)};
  }
};

/// With d = a − y: value log cosh d, gradient tanh d. With q = e^(−|d|) and m = q − 1:
///   log cosh d = log(1 + m² / 2q) for |d| < 1, and |d| + log(1 + q²) − log 2 otherwise;
///   tanh |d| = (1 − q²) / (1 + q²).
template <class T>
struct LogCosh {
  BP_INLINE Term<T> term(Vec<T> a, Vec<T> y, T) {
    constexpr T kLn2 = T(0x1.62e42fefa39efp-1);
    const Vec<T> d = a - y;
    const Vec<T> magnitude = abs(d);
    const Vec<T> m = expm1<T>(-magnitude);
    const Vec<T> q = T(1) + m;
    const Vec<T> q2 = q * q;
    const VecInt<T> near = magnitude < T(1);
    const Vec<T> log = log1p_unit<T>(near ? T(0.5) * m * m / q : q2);
    return {near ? log : (magnitude - kLn2) + log, copysign(-m * (T(1) + q) / (T(1) + q2), d)};
  }
};

/// Value max(q (y − a), (q − 1)(y − a)). At the kink the gradient is 0, which lies in the subdifferential.
template <class T>
struct Quantile {
  BP_INLINE Term<T> term(Vec<T> a, Vec<T> y, T q) {
    const Vec<T> d = a - y;
    const Vec<T> slope = d > T(0) ? broadcast(T(1) - q) : broadcast(-q);
    return {slope * d, d == T(0) ? d : (d == d ? slope : d)};
  }
};

/// Value −y log a − (1 − y) log(1 − a), gradient (a − y) / (a (1 − a)).
template <class T>
struct BinaryCrossEntropy {
  BP_INLINE Term<T> term(Vec<T> a, Vec<T> y, T) {
    const Vec<T> log_a = max(broadcast(kLeastLog<T>), log<T>(a));
    const Vec<T> log_rest = max(broadcast(kLeastLog<T>), log1p<T>(-a));
    const Vec<T> value = (y - T(1)) * log_rest - y * log_a;
    return {value, (a - y) / max(broadcast(kLeastDenominator<T>), (T(1) - a) * a)};
  }
};

/// With a = σ(z): value log(1 + e^z) − y z, gradient σ(z) − y.
// [sigmoid-cross-entropy]
template <class T>
struct SigmoidCrossEntropy {
  BP_INLINE Term<T> term(Vec<T> z, Vec<T> y, T) {
    const Vec<T> u = exp_negative_magnitude<T>(z);
    const Vec<T> linear = z > T(0) ? z * (T(1) - y) : -z * y;
    return {log1p_unit<T>(u) + linear, (z < T(0) ? u : broadcast(T(1))) / (T(1) + u) - y};
  }
};
// [/sigmoid-cross-entropy]

/// Value a − y log a, gradient 1 − y / a. A rate a in [0, kLeastDenominator) counts as kLeastDenominator.
template <class T>
struct Poisson {
  BP_INLINE Term<T> term(Vec<T> a, Vec<T> y, T) {
    const Vec<T> positive = ((a >= T(0)) & (a < kLeastDenominator<T>)) ? broadcast(kLeastDenominator<T>) : a;
    return {a - y * log<T>(positive), T(1) - y / positive};
  }
};

/// With a = e^z: value e^z − y z, gradient e^z − y.
// [poisson-exp]
template <class T>
struct PoissonExp {
  BP_INLINE Term<T> term(Vec<T> z, Vec<T> y, T) {
    const Vec<T> a = exp<T>(z);
    return {a - y * z, a - y};
  }
};
// [/poisson-exp]

/// With a = softplus(z): value a − y log a, gradient σ(z) (1 − y / a) = σ(z) − y σ(z) / a. Far below 0, a is e^z, so
/// log a = z and σ(z) / a = 1. These values do not need a, which may underflow to 0.
template <class T>
struct PoissonSoftplus {
  BP_INLINE Term<T> term(Vec<T> z, Vec<T> y, T) {
    const Vec<T> u = exp_negative_magnitude<T>(z);
    const Vec<T> a = max(Vec<T>{}, z) + log1p_unit<T>(u);
    const Vec<T> sigmoid = (z < T(0) ? u : broadcast(T(1))) / (T(1) + u);
    const VecInt<T> far = z < T(-40);
    const Vec<T> log_a = far ? z : log<T>(a);
    const Vec<T> ratio = far ? broadcast(T(1)) : sigmoid / a;
    return {a - y * log_a, sigmoid - y * ratio};
  }
};

template <class T>
constexpr void add_loss_kernels(KernelTable<T>& t) {
#define BACKPASS_KERNEL(name, Class, ...) t.loss[static_cast<int>(LossKernel::name)] = elementwise_loss<T, Class<T>>;
  BACKPASS_ELEMENTWISE_LOSSES(BACKPASS_KERNEL)
  BACKPASS_CLOSED_FORM_KERNELS(BACKPASS_KERNEL)
#undef BACKPASS_KERNEL
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

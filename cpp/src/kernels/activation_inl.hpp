/// Piecewise linear and rational activations, and the loops and table entries of all elementwise activations.
///
/// Each activation is a struct with value() = φ(z) and derivative() = φ'. derivative() takes the quantity that
/// stored_for() names: a = φ(z) or z. Definitions, constants and the value of φ' at a kink are PyTorch's. NaN gives
/// NaN, and an infinite z gives the limit.
#pragma once

#include "kernels/map_inl.hpp"
#include "kernels/smooth_activation_inl.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

/// inside ? one : other, and NaN where x is NaN. A comparison with NaN is false, so `inside` alone would lose the NaN.
template <class T>
BP_INLINE Vec<T> select_or_nan(Vec<T> x, VecInt<T> inside, T one, T other) {
  const Vec<T> y = inside ? broadcast(one) : broadcast(other);
  return x == x ? y : x;
}

template <class T>
struct Identity {  // φ' = 1: no derivative(), and the gradient stays as it is
  BP_INLINE Vec<T> value(Vec<T> z, T) { return z; }
};

template <class T>
struct ReLU {
  BP_INLINE Vec<T> value(Vec<T> z, T) { return max(Vec<T>{}, z); }
  // If a > 0 is false, a is 0 (derivative 0) or NaN (propagate): return a in both cases.
  BP_INLINE Vec<T> derivative(Vec<T> a, T) { return a > T(0) ? broadcast(T(1)) : a; }
};

template <class T>
struct ReLU6 {
  BP_INLINE Vec<T> value(Vec<T> z, T) { return min(broadcast(T(6)), max(Vec<T>{}, z)); }
  BP_INLINE Vec<T> derivative(Vec<T> a, T) { return select_or_nan<T>(a, (a > T(0)) & (a < T(6)), 1, 0); }
};

template <class T>
struct LeakyReLU {
  BP_INLINE Vec<T> value(Vec<T> z, T slope) { return z > T(0) ? z : z * slope; }
  BP_INLINE Vec<T> derivative(Vec<T> z, T slope) { return select_or_nan<T>(z, z > T(0), 1, slope); }
};

template <class T>
struct HardTanh {
  BP_INLINE Vec<T> value(Vec<T> z, T) { return min(broadcast(T(1)), max(broadcast(T(-1)), z)); }
  BP_INLINE Vec<T> derivative(Vec<T> a, T) { return select_or_nan<T>(a, abs(a) < T(1), 1, 0); }
};

/// φ(z) = min(max(z + 3, 0), 6) / 6.
template <class T>
struct HardSigmoid {
  static constexpr T kSixth = T(1) / T(6);
  BP_INLINE Vec<T> value(Vec<T> z, T) { return min(broadcast(T(6)), max(Vec<T>{}, z + T(3))) * kSixth; }
  BP_INLINE Vec<T> derivative(Vec<T> z, T) { return select_or_nan<T>(z, abs(z) < T(3), kSixth, 0); }
};

/// φ(z) = z hard_sigmoid(z).
template <class T>
struct HardSwish {
  BP_INLINE Vec<T> value(Vec<T> z, T) { return finite_below<T>(z) * HardSigmoid<T>::value(z, T(0)); }
  BP_INLINE Vec<T> derivative(Vec<T> z, T) {
    const Vec<T> inside = fma(z, broadcast(T(1) / T(3)), broadcast(T(0.5)));
    return abs(z) < T(3) ? inside : select_or_nan<T>(z, z > T(0), 1, 0);
  }
};

/// φ(z) = z / (1 + |z|), φ' = 1 / (1 + |z|)², computed from z: (1 − |a|)² loses all digits where |a| is near 1.
template <class T>
struct Softsign {
  BP_INLINE Vec<T> value(Vec<T> z, T) {
    const Vec<T> a = z / (abs(z) + T(1));
    return abs(z) == Limits<T>::kInfinity ? copysign(broadcast(T(1)), z) : a;
  }
  BP_INLINE Vec<T> derivative(Vec<T> z, T) {
    const Vec<T> inverse = T(1) / (T(1) + abs(z));
    return inverse * inverse;
  }
};

template <class T, class Activation>
void activate(Index n, T parameter, const T* z, T* a) {
  map(n, z, a, [=](Vec<T> v) BP_INLINE_LAMBDA { return Activation::value(v, parameter); });
}
template <class T, class Activation>
void activate_gradient(Index n, T parameter, const T* stored, T* g) {
  if constexpr (requires(Vec<T> v) { Activation::derivative(v, parameter); }) {
    update(n, stored, g,
           [=](Vec<T> s, Vec<T> gi) BP_INLINE_LAMBDA { return gi * Activation::derivative(s, parameter); });
  }
}

template <class T, template <class> class Activation>
constexpr void add_activation(KernelTable<T>& t, ActivationKind kind) {
  t.activate[static_cast<int>(kind)] = activate<T, Activation<T>>;
  t.activate_gradient[static_cast<int>(kind)] = activate_gradient<T, Activation<T>>;
}

template <class T>
constexpr void add_activation_kernels(KernelTable<T>& t) {
#define BACKPASS_KERNELS(name, Class, ...) add_activation<T, Class>(t, ActivationKind::name);
  BACKPASS_ELEMENTWISE_ACTIVATIONS(BACKPASS_KERNELS, BACKPASS_KERNELS)
#undef BACKPASS_KERNELS
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

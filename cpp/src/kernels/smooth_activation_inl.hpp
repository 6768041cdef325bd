/// The activations made of exponentials, Φ and sin. See activation_inl.hpp for the form.
///
/// Everything is computed from u = e^(−|z|), which cannot overflow, so that both tails keep their relative accuracy.
#pragma once

#include "kernels/math_inl.hpp"
#include "kernels/normal_inl.hpp"
#include "kernels/trig_inl.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

/// z, with −inf made finite: its product with a tail that has become 0 is then the limit 0, not NaN.
template <class T>
BP_INLINE Vec<T> finite_below(Vec<T> z) {
  return max(broadcast(-Limits<T>::kMax), z);
}

template <class T>
struct Logistic {
  Vec<T> u;        ///< e^(−|z|)
  Vec<T> inverse;  ///< 1 / (1 + u)
  Vec<T> sigmoid;
};
/// σ(z) = 1 / (1 + e^(−z)).
template <class T>
BP_INLINE Logistic<T> logistic(Vec<T> z) {
  const Vec<T> u = exp_negative_magnitude<T>(z);
  const Vec<T> inverse = T(1) / (T(1) + u);
  return {u, inverse, z < T(0) ? u * inverse : inverse};
}
template <class T>
BP_INLINE Vec<T> sigmoid(Vec<T> z) {
  const Vec<T> u = exp_negative_magnitude<T>(z);
  return (z < T(0) ? u : broadcast(T(1))) / (T(1) + u);
}
/// log(1 + e^z), exact for large z too, where PyTorch's stops at z > 20.
template <class T>
BP_INLINE Vec<T> softplus(Vec<T> z) {
  return max(Vec<T>{}, z) + log1p_unit<T>(exp_negative_magnitude<T>(z));
}

template <class T>
struct Elu {
  BP_INLINE Vec<T> value(Vec<T> z, T alpha) { return z > T(0) ? z : alpha * expm1<T>(z); }
  BP_INLINE Vec<T> derivative(Vec<T> z, T alpha) { return z > T(0) ? broadcast(T(1)) : alpha * exp<T>(z); }
};

/// G. Klambauer et al., "Self-normalizing neural networks", NIPS 2017: λ z and λ α (e^z − 1). φ' is λ α e^z below 0,
/// from z: a + λ α is the same number, and loses all its digits where a comes near −λ α.
template <class T>
struct Selu {
  static constexpr T kScale = T(1.0507009873554804934193349852946);
  static constexpr T kScaleAlpha = T(1.7580993408473768599402175208123);
  BP_INLINE Vec<T> value(Vec<T> z, T) { return z > T(0) ? z * kScale : kScaleAlpha * expm1<T>(z); }
  BP_INLINE Vec<T> derivative(Vec<T> z, T) { return z > T(0) ? broadcast(kScale) : kScaleAlpha * exp<T>(z); }
};

/// z and α (e^(z/α) − 1). φ' is e^(z/α) below 0, from z: a/α + 1 loses its digits as selu's a + λ α does.
template <class T>
struct Celu {
  BP_INLINE Vec<T> value(Vec<T> z, T alpha) { return z > T(0) ? z : alpha * expm1<T>(z * (T(1) / alpha)); }
  /// The quotient is rounded, by up to half a unit of a number that may be −87 or −708: what the rounding took away
  /// goes into the exponential apart.
  BP_INLINE Vec<T> derivative(Vec<T> z, T alpha) {
    using C = ExpConstants<T>;
    const T inverse = T(1) / alpha;
    const Vec<T> quotient = min(broadcast(C::kHighest), max(broadcast(C::kLowest), z * inverse));
    const Vec<T> rest = fma(-quotient, broadcast(alpha), z) * inverse;
    const VecInt<T> within = (quotient > C::kLowest) & (quotient < C::kHighest);
    return z > T(0) ? broadcast(T(1)) : exp_sum<T>(quotient, within ? rest : Vec<T>{});
  }
};

/// z Φ(z) = max(z, 0) − |z| Φ(−|z|), φ' = Φ(z) + z e^(−z²/2) / √2π.
template <class T>
struct Gelu {
  static constexpr T kInverseSqrt2Pi = T(0.3989422804014326779399461);
  BP_INLINE Vec<T> value(Vec<T> z, T) {
    const Vec<T> magnitude = min(broadcast(NormalConstants<T>::kLargest), abs(z));
    const NormalTail<T> tail = normal_tail<T>(magnitude);
    // The exponential last: it alone can be denormal.
    return max(Vec<T>{}, z) - (magnitude * tail.q) * tail.exponential;
  }
  BP_INLINE Vec<T> derivative(Vec<T> z, T) {
    const Vec<T> magnitude = min(broadcast(NormalConstants<T>::kLargest), abs(z));
    const NormalTail<T> tail = normal_tail<T>(magnitude);
    // φ'(−z) = 1 − φ'(z).
    const Vec<T> below = fma(broadcast(-kInverseSqrt2Pi), magnitude, tail.q) * tail.exponential;
    return z < T(0) ? below : T(1) - below;
  }
};

/// ½ z (1 + tanh y) = z σ(2y), y = √(2/π) (z + 0.044715 z³): the logistic form keeps the negative tail.
template <class T>
struct GeluTanh {
  static constexpr T kTwoSqrt2OverPi = T(1.5957691216057307117597842);
  static constexpr T kCubic = T(0.044715);
  // |2y| > 1600 from here on: φ and φ' are 0 and z or 1, and no square overflows.
  static constexpr T kLargest = T(32);
  BP_INLINE Vec<T> two_y(Vec<T> z) { return (kTwoSqrt2OverPi * z) * fma(kCubic * z, z, broadcast(T(1))); }
  BP_INLINE Vec<T> clamped(Vec<T> z) { return min(broadcast(kLargest), max(broadcast(-kLargest), z)); }
  BP_INLINE Vec<T> value(Vec<T> z, T) { return finite_below<T>(z) * sigmoid<T>(two_y(clamped(z))); }
  /// σ(2y) + z σ(2y) (1 − σ(2y)) (2y)', where σ(2y) (1 − σ(2y)) = u / (1 + u)².
  BP_INLINE Vec<T> derivative(Vec<T> z, T) {
    z = clamped(z);
    const Logistic<T> s = logistic<T>(two_y(z));
    const Vec<T> slope = kTwoSqrt2OverPi * fma(T(3) * kCubic * z, z, broadcast(T(1)));
    return fma(z * slope, s.u * s.inverse * s.inverse, s.sigmoid);
  }
};

/// z σ(z), φ' = σ(z) + z σ(z) (1 − σ(z)).
template <class T>
struct Silu {
  BP_INLINE Vec<T> value(Vec<T> z, T) { return finite_below<T>(z) * sigmoid<T>(z); }
  BP_INLINE Vec<T> derivative(Vec<T> z, T) {
    const Logistic<T> s = logistic<T>(z);
    // An infinite z would meet u = 0.
    const Vec<T> finite = min(broadcast(Limits<T>::kMax), finite_below<T>(z));
    return fma(finite, s.u * s.inverse * s.inverse, s.sigmoid);
  }
};

/// z tanh(log(1 + e^z)) = z n / d: n = w² + 2w, d = n + 2 with w = e^z; both divided by w² where z >= 0.
/// φ' = n/d + z σ(z) (1 − n²/d²), and 1 − n²/d² = (d − n)(d + n) / d².
template <class T>
struct Mish {
  struct Parts {
    Vec<T> u, n, difference;  ///< e^(−|z|), n, d − n
    VecInt<T> negative;
  };
  BP_INLINE Parts parts(Vec<T> z) {
    const Vec<T> u = exp_negative_magnitude<T>(z);
    const VecInt<T> negative = z < T(0);
    const Vec<T> two = broadcast(T(2));
    return {u, negative ? u * (u + two) : fma(two, u, broadcast(T(1))), negative ? two : T(2) * u * u, negative};
  }
  BP_INLINE Vec<T> value(Vec<T> z, T) {
    const Parts p = parts(z);
    return finite_below<T>(z) * (p.n / (p.n + p.difference));
  }
  BP_INLINE Vec<T> derivative(Vec<T> z, T) {
    const Parts p = parts(z);
    const Vec<T> finite = min(broadcast(Limits<T>::kMax), finite_below<T>(z));
    const Vec<T> inverse = T(1) / (p.n + p.difference);
    const Vec<T> sigmoid = (p.negative ? p.u : broadcast(T(1))) / (T(1) + p.u);
    const Vec<T> sech2 = (p.difference * inverse) * (fma(broadcast(T(2)), p.n, p.difference) * inverse);
    return fma(finite, sigmoid * sech2, p.n * inverse);
  }
};

/// φ' = σ(z) = 1 − e^(−a).
template <class T>
struct Softplus {
  BP_INLINE Vec<T> value(Vec<T> z, T) { return softplus<T>(z); }
  BP_INLINE Vec<T> derivative(Vec<T> a, T) { return -expm1<T>(-a); }
};

/// φ' = σ(z) (1 − σ(z)). From a, as in PyTorch: 1 − a loses digits where a comes near 1 (docs/numbers.md says how
/// many). From z, u / (1 + u)², they would cost an exponential per element: 5 to 8 % of a small network's step.
template <class T>
struct Sigmoid {
  BP_INLINE Vec<T> value(Vec<T> z, T) { return sigmoid<T>(z); }
  BP_INLINE Vec<T> derivative(Vec<T> a, T) { return a * (T(1) - a); }
};

/// φ' = 1 − tanh² z, from a for the same reason.
template <class T>
struct Tanh {
  BP_INLINE Vec<T> value(Vec<T> z, T) { return tanh<T>(z); }
  BP_INLINE Vec<T> derivative(Vec<T> a, T) { return (T(1) - a) * (T(1) + a); }
};

template <class T>
struct Exp {
  BP_INLINE Vec<T> value(Vec<T> z, T) { return exp<T>(z); }
  BP_INLINE Vec<T> derivative(Vec<T> a, T) { return a; }
};

template <class T>
struct Sin {
  BP_INLINE Vec<T> value(Vec<T> z, T) { return sin<T>(z); }
  BP_INLINE Vec<T> derivative(Vec<T> z, T) { return cos<T>(z); }
};

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

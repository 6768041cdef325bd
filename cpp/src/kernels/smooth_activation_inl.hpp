/// Activations that use exponentials, Φ or sin. activation_inl.hpp describes the structs.
///
/// The functions of σ and log(1 + e^z) use u = e^(−|z|), which cannot overflow, so that both tails keep their relative
/// accuracy.
#pragma once

#include "kernels/math_inl.hpp"
#include "kernels/normal_inl.hpp"
#include "kernels/trig_inl.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

/// z, with −inf replaced by the lowest finite number. The product of that number and a tail that underflowed to 0 is 0,
/// which is the limit; −inf · 0 would be NaN.
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
/// log(1 + e^z). Accurate for large z too, where PyTorch returns z (z > 20).
template <class T>
BP_INLINE Vec<T> softplus(Vec<T> z) {
  return max(Vec<T>{}, z) + log1p_unit<T>(exp_negative_magnitude<T>(z));
}

template <class T>
struct ELU {
  BP_INLINE Vec<T> value(Vec<T> z, T alpha) { return z > T(0) ? z : alpha * expm1<T>(z); }
  BP_INLINE Vec<T> derivative(Vec<T> z, T alpha) { return z > T(0) ? broadcast(T(1)) : alpha * exp<T>(z); }
};

/// φ(z) = λ z for z > 0, λ α (e^z − 1) otherwise (G. Klambauer et al., "Self-normalizing neural networks", NIPS 2017).
/// For z <= 0, φ' = λ α e^z is computed from z: a + λ α is equal, but loses all digits where a is near −λ α.
template <class T>
struct SELU {
  static constexpr T kScale = T(1.0507009873554804934193349852946);
  static constexpr T kScaleAlpha = T(1.7580993408473768599402175208123);
  BP_INLINE Vec<T> value(Vec<T> z, T) { return z > T(0) ? z * kScale : kScaleAlpha * expm1<T>(z); }
  BP_INLINE Vec<T> derivative(Vec<T> z, T) { return z > T(0) ? broadcast(kScale) : kScaleAlpha * exp<T>(z); }
};

/// φ(z) = z for z > 0, α (e^(z/α) − 1) otherwise. For z <= 0, φ' = e^(z/α) is computed from z: a/α + 1 is equal, but
/// loses its digits like a + λ α in Selu.
template <class T>
struct CELU {
  BP_INLINE Vec<T> value(Vec<T> z, T alpha) { return z > T(0) ? z : alpha * expm1<T>(z * (T(1) / alpha)); }
  /// The quotient z/α has a rounding error of up to half an ulp, and its size may be 87 (float) or 708 (double). `rest`
  /// is the part that rounding removed, and is added to the exponent separately.
  BP_INLINE Vec<T> derivative(Vec<T> z, T alpha) {
    using C = ExpConstants<T>;
    const T inverse = T(1) / alpha;
    const Vec<T> quotient = min(broadcast(C::kHighest), max(broadcast(C::kLowest), z * inverse));
    const Vec<T> rest = fma(-quotient, broadcast(alpha), z) * inverse;
    const VecInt<T> within = (quotient > C::kLowest) & (quotient < C::kHighest);
    return z > T(0) ? broadcast(T(1)) : exp_sum<T>(quotient, within ? rest : Vec<T>{});
  }
};

/// φ(z) = z Φ(z) = max(z, 0) − |z| Φ(−|z|), φ' = Φ(z) + z e^(−z²/2) / √2π.
template <class T>
struct GELU {
  static constexpr T kInverseSqrt2Pi = T(0.3989422804014326779399461);
  BP_INLINE Vec<T> value(Vec<T> z, T) {
    const Vec<T> magnitude = min(broadcast(NormalConstants<T>::kLargest), abs(z));
    const NormalTail<T> tail = normal_tail<T>(magnitude);
    // Multiply by the exponential last: it is the only factor that can be denormal.
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

/// φ(z) = ½ z (1 + tanh y) = z σ(2y) with y = √(2/π) (z + 0.044715 z³). 1 + tanh y would lose the negative tail; σ(2y)
/// keeps it.
template <class T>
struct GELUTanh {
  static constexpr T kTwoSqrt2OverPi = T(1.5957691216057307117597842);
  static constexpr T kCubic = T(0.044715);
  // From here on, |2y| > 1600: φ is 0 or z, and φ' is 0 or 1. Clamping keeps the squares finite.
  static constexpr T kLargest = T(32);
  BP_INLINE Vec<T> two_y(Vec<T> z) { return (kTwoSqrt2OverPi * z) * fma(kCubic * z, z, broadcast(T(1))); }
  BP_INLINE Vec<T> clamped(Vec<T> z) { return min(broadcast(kLargest), max(broadcast(-kLargest), z)); }
  BP_INLINE Vec<T> value(Vec<T> z, T) { return finite_below<T>(z) * sigmoid<T>(two_y(clamped(z))); }
  /// φ' = σ(2y) + z σ(2y) (1 − σ(2y)) (2y)', where σ(2y) (1 − σ(2y)) = u / (1 + u)².
  BP_INLINE Vec<T> derivative(Vec<T> z, T) {
    z = clamped(z);
    const Logistic<T> s = logistic<T>(two_y(z));
    const Vec<T> slope = kTwoSqrt2OverPi * fma(T(3) * kCubic * z, z, broadcast(T(1)));
    return fma(z * slope, s.u * s.inverse * s.inverse, s.sigmoid);
  }
};

/// φ(z) = z σ(z), φ' = σ(z) + z σ(z) (1 − σ(z)).
template <class T>
struct SiLU {
  BP_INLINE Vec<T> value(Vec<T> z, T) { return finite_below<T>(z) * sigmoid<T>(z); }
  BP_INLINE Vec<T> derivative(Vec<T> z, T) {
    const Logistic<T> s = logistic<T>(z);
    // An infinite z would give inf · u = inf · 0 = NaN.
    const Vec<T> finite = min(broadcast(Limits<T>::kMax), finite_below<T>(z));
    return fma(finite, s.u * s.inverse * s.inverse, s.sigmoid);
  }
};

/// φ(z) = z tanh(log(1 + e^z)) = z n / d with w = e^z, n = w² + 2w, d = n + 2. For z >= 0, parts() divides both by w².
/// φ' = n/d + z σ(z) (1 − n²/d²), where 1 − n²/d² = (d − n)(d + n) / d².
template <class T>
struct Mish {
  struct Parts {
    Vec<T> u, n, difference;  ///< u = e^(−|z|), n, d − n
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

/// φ' = σ(z) (1 − σ(z)) = a (1 − a), from a as in PyTorch. 1 − a loses digits where a is near 1 (docs/numbers.md says
/// how many). u / (1 + u)² from z would keep them, but needs one exponential per element: 5 to 8 % of a small network's
/// step.
template <class T>
struct Sigmoid {
  BP_INLINE Vec<T> value(Vec<T> z, T) { return sigmoid<T>(z); }
  BP_INLINE Vec<T> derivative(Vec<T> a, T) { return a * (T(1) - a); }
};

/// φ' = 1 − tanh² z = (1 − a)(1 + a), from a for the same reason as Sigmoid.
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

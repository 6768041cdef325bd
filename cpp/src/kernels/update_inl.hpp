/// The optimizers' update kernels, with their coefficients. A kernel updates n parameters and their state in one pass.
/// optim/rules.hpp states the equations and computes the coefficients in double, once per step and parameter group.
///
/// The file has two parts, so that all of a kernel is in one file. kernel_table.hpp includes the first part: plain
/// data, no STL. kernel_set_inl.hpp includes the file again, after vec.hpp, which defines BP_INLINE: this adds the
/// second part.
#ifndef BACKPASS_UPDATES
#include <stddef.h>

// UPDATE(kernel, coefficients)
// clang-format off
#define BACKPASS_UPDATES(UPDATE, SEPARATOR) \
  UPDATE(sgd, SgdUpdate) SEPARATOR()         \
  UPDATE(rmsprop, RmspropUpdate) SEPARATOR() \
  UPDATE(adagrad, AdagradUpdate) SEPARATOR() \
  UPDATE(adam, AdamUpdate) SEPARATOR()       \
  UPDATE(nadam, NadamUpdate) SEPARATOR()     \
  UPDATE(rprop, RpropUpdate) SEPARATOR()     \
  UPDATE(lion, LionUpdate)
// clang-format on

namespace backpass::kernels {

inline constexpr int kMaxUpdateSlots = 3;

/// The arrays that a kernel reads and writes, n elements each.
template <class T>
struct UpdateSpan {
  ptrdiff_t n;
  const T* g;                ///< gradient
  T* p;                      ///< parameters
  T* slot[kMaxUpdateSlots];  ///< the optimizer's state; slots that the kernel does not use may be null
};

/// x' = β x + complement · y with β = hi + lo. A running average depends on 1 − β. A float holds β = 0.999 with an
/// error of up to 3e-8, which is 3e-5 of 1 − β. With `lo`, only the rounding errors of the average itself remain.
template <class T>
struct Decay {
  T hi, lo;
  T complement;
};

/// slot 0: momentum buffer, if has_momentum.
template <class T>
struct SgdUpdate {
  T lr, weight_decay;
  Decay<T> decay;  ///< of the buffer; β = 0, complement = 1 on a group's first step
  T nesterov;      ///< the momentum in p −= lr (g + momentum buf)
  bool has_momentum, has_nesterov;
};

/// slots: 0 mean of g², 1 momentum buffer (if has_momentum), 2 mean of g (if centered).
template <class T>
struct RmspropUpdate {
  T lr, weight_decay, eps;
  Decay<T> alpha;
  Decay<T> momentum;
  bool has_momentum, centered;
};

/// slot 0: sum of g².
template <class T>
struct AdagradUpdate {
  T lr, weight_decay, eps;
};

/// slots: 0 m, 1 v, 2 the largest v so far (if amsgrad).
template <class T>
struct AdamUpdate {
  T step;  ///< p −= step m / (√v + eps) + shrink p
  T eps;
  T weight_decay;  ///< g += weight_decay p
  T shrink;        ///< decoupled weight decay
  Decay<T> beta1, beta2;
  bool amsgrad;
};

/// slots: 0 m, 1 v.
template <class T>
struct NadamUpdate {
  T gradient_step, moment_step;  ///< p −= (gradient_step g + moment_step m) / (√v + eps)
  T eps, weight_decay;
  Decay<T> beta1, beta2;
};

/// slots: 0 previous gradient, 1 step sizes.
template <class T>
struct RpropUpdate {
  T eta_minus, eta_plus, step_min, step_max;
  T initial_step;  ///< the step size on a group's first step
  bool first;
};

/// slot 0: m.
template <class T>
struct LionUpdate {
  T lr;
  T shrink;  ///< decoupled weight decay, lr · weight_decay
  Decay<T> beta1, beta2;
};

template <class T>
struct UpdateKernels {
#define BACKPASS_NOTHING()
#define BACKPASS_MEMBER(kernel, Coefficients) void (*kernel)(const UpdateSpan<T>& u, const Coefficients<T>& c);
  BACKPASS_UPDATES(BACKPASS_MEMBER, BACKPASS_NOTHING)
#undef BACKPASS_MEMBER
};

}  // namespace backpass::kernels
#endif

#if defined(BP_INLINE) && !defined(BACKPASS_UPDATE_KERNELS)
#define BACKPASS_UPDATE_KERNELS
namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

// Each kernel is a function of one vector of gradients, parameters and state, and update_each() applies it to all
// vectors. The last, partial vector goes through the same function. So the bits of an element depend neither on its
// position nor on how a range is split.

/// Calls rule(g, p, s) for every vector; s holds the first kSlots slots.
template <int kSlots, class T, class Rule>
BP_INLINE void update_each(const UpdateSpan<T>& u, const Rule& rule) {
  // Local copies, because the compiler must assume that stores through T* change the members of u.
  const ptrdiff_t n = u.n;
  const T* const g = u.g;
  T* const p = u.p;
  T* slot[kMaxUpdateSlots];
  for (int k = 0; k < kSlots; ++k) {
    slot[k] = u.slot[k];
  }
  Vec<T> s[kMaxUpdateSlots];
  ptrdiff_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) {
    Vec<T> parameters = load(p + i);
    for (int k = 0; k < kSlots; ++k) {
      s[k] = load(slot[k] + i);
    }
    rule(load(g + i), parameters, s);
    for (int k = 0; k < kSlots; ++k) {
      store(slot[k] + i, s[k]);
    }
    store(p + i, parameters);
  }
  if (i < n) {
    const ptrdiff_t rest = n - i;
    Vec<T> parameters = load_partial(p + i, rest);
    for (int k = 0; k < kSlots; ++k) {
      s[k] = load_partial(slot[k] + i, rest);
    }
    rule(load_partial(g + i, rest), parameters, s);
    for (int k = 0; k < kSlots; ++k) {
      store_partial(slot[k] + i, s[k], rest);
    }
    store_partial(p + i, parameters, rest);
  }
}

template <class T>
struct VecDecay {
  Vec<T> hi, lo, complement;
};
template <class T>
BP_INLINE VecDecay<T> broadcast(const Decay<T>& d) {
  return {broadcast(d.hi), broadcast(d.lo), broadcast(d.complement)};
}
/// β x + complement · y.
template <class T>
BP_INLINE Vec<T> decayed(const VecDecay<T>& d, Vec<T> x, Vec<T> y) {
  return fma(d.hi, x, fma(d.lo, x, d.complement * y));
}

#define BP_RULE [&](Vec<T> g, Vec<T>& p, [[maybe_unused]] Vec<T>* s) __attribute__((always_inline))

template <class T>
void sgd(const UpdateSpan<T>& u, const SgdUpdate<T>& c) {
  const Vec<T> minus_lr = broadcast(-c.lr);
  const Vec<T> weight_decay = broadcast(c.weight_decay);
  if (!c.has_momentum) {
    update_each<0>(u, BP_RULE { p = fma(minus_lr, fma(weight_decay, p, g), p); });
    return;
  }
  const VecDecay<T> decay = broadcast(c.decay);
  if (!c.has_nesterov) {
    update_each<1>(
        u, BP_RULE {
          s[0] = decayed<T>(decay, s[0], fma(weight_decay, p, g));
          p = fma(minus_lr, s[0], p);
        });
    return;
  }
  const Vec<T> nesterov = broadcast(c.nesterov);
  update_each<1>(
      u, BP_RULE {
        g = fma(weight_decay, p, g);
        s[0] = decayed<T>(decay, s[0], g);
        p = fma(minus_lr, fma(nesterov, s[0], g), p);
      });
}

template <class T>
void rmsprop(const UpdateSpan<T>& u, const RmspropUpdate<T>& c) {
  const Vec<T> minus_lr = broadcast(-c.lr);
  const Vec<T> weight_decay = broadcast(c.weight_decay);
  const Vec<T> eps = broadcast(c.eps);
  const VecDecay<T> alpha = broadcast(c.alpha);
  const VecDecay<T> momentum = broadcast(c.momentum);
  const Vec<T> zero{};
  // g / (√variance + eps). Rounding may make mean(g²) − mean(g)² negative; max() keeps the square root real.
  const auto scaled = [&](Vec<T>& g, Vec<T> p, Vec<T>& square) __attribute__((always_inline)) {
    g = fma(weight_decay, p, g);
    square = decayed<T>(alpha, square, g * g);
    return g / (sqrt(square) + eps);
  };
  const auto scaled_centered = [&](Vec<T>& g, Vec<T> p, Vec<T>& square, Vec<T>& mean) __attribute__((always_inline)) {
    g = fma(weight_decay, p, g);
    square = decayed<T>(alpha, square, g * g);
    mean = decayed<T>(alpha, mean, g);
    return g / (sqrt(max(zero, fma(-mean, mean, square))) + eps);
  };
  if (c.has_momentum && c.centered) {
    update_each<3>(
        u, BP_RULE {
          const Vec<T> d = scaled_centered(g, p, s[0], s[2]);
          s[1] = decayed<T>(momentum, s[1], d);
          p = fma(minus_lr, s[1], p);
        });
  } else if (c.has_momentum) {
    update_each<2>(
        u, BP_RULE {
          const Vec<T> d = scaled(g, p, s[0]);
          s[1] = decayed<T>(momentum, s[1], d);
          p = fma(minus_lr, s[1], p);
        });
  } else if (c.centered) {
    const UpdateSpan<T> without_buffer{u.n, u.g, u.p, {u.slot[0], u.slot[2], nullptr}};
    update_each<2>(without_buffer, BP_RULE { p = fma(minus_lr, scaled_centered(g, p, s[0], s[1]), p); });
  } else {
    update_each<1>(u, BP_RULE { p = fma(minus_lr, scaled(g, p, s[0]), p); });
  }
}

template <class T>
void adagrad(const UpdateSpan<T>& u, const AdagradUpdate<T>& c) {
  const Vec<T> minus_lr = broadcast(-c.lr);
  const Vec<T> weight_decay = broadcast(c.weight_decay);
  const Vec<T> eps = broadcast(c.eps);
  update_each<1>(
      u, BP_RULE {
        g = fma(weight_decay, p, g);
        s[0] = fma(g, g, s[0]);
        p = fma(minus_lr, g / (sqrt(s[0]) + eps), p);
      });
}

template <class T>
void adam(const UpdateSpan<T>& u, const AdamUpdate<T>& c) {
  const Vec<T> step = broadcast(c.step);
  const Vec<T> eps = broadcast(c.eps);
  const Vec<T> weight_decay = broadcast(c.weight_decay);
  const Vec<T> shrink = broadcast(c.shrink);
  const VecDecay<T> beta1 = broadcast(c.beta1);
  const VecDecay<T> beta2 = broadcast(c.beta2);
  const auto move = [&](Vec<T>& p, Vec<T> m, Vec<T> v) __attribute__((always_inline)) {
    // Both terms are added before they are subtracted from p. If 1e-9 p were subtracted on its own, rounding would lose
    // it.
    p -= fma(shrink, p, step * (m / (sqrt(v) + eps)));
  };
  const auto moments = [&](Vec<T> g, Vec<T> p, Vec<T>& m, Vec<T>& v) __attribute__((always_inline)) {
    g = fma(weight_decay, p, g);
    m = decayed<T>(beta1, m, g);
    v = decayed<T>(beta2, v, g * g);
  };
  if (c.amsgrad) {
    update_each<3>(
        u, BP_RULE {
          moments(g, p, s[0], s[1]);
          s[2] = max(s[2], s[1]);
          move(p, s[0], s[2]);
        });
  } else {
    update_each<2>(
        u, BP_RULE {
          moments(g, p, s[0], s[1]);
          move(p, s[0], s[1]);
        });
  }
}

template <class T>
void nadam(const UpdateSpan<T>& u, const NadamUpdate<T>& c) {
  const Vec<T> gradient_step = broadcast(c.gradient_step);
  const Vec<T> moment_step = broadcast(c.moment_step);
  const Vec<T> eps = broadcast(c.eps);
  const Vec<T> weight_decay = broadcast(c.weight_decay);
  const VecDecay<T> beta1 = broadcast(c.beta1);
  const VecDecay<T> beta2 = broadcast(c.beta2);
  update_each<2>(
      u, BP_RULE {
        g = fma(weight_decay, p, g);
        s[0] = decayed<T>(beta1, s[0], g);
        s[1] = decayed<T>(beta2, s[1], g * g);
        p -= fma(gradient_step, g, moment_step * s[0]) / (sqrt(s[1]) + eps);
      });
}

template <class T>
void rprop(const UpdateSpan<T>& u, const RpropUpdate<T>& c) {
  const Vec<T> eta_minus = broadcast(c.eta_minus);
  const Vec<T> eta_plus = broadcast(c.eta_plus);
  const Vec<T> step_min = broadcast(c.step_min);
  const Vec<T> step_max = broadcast(c.step_max);
  const Vec<T> initial_step = broadcast(c.initial_step);
  const Vec<T> zero{};
  const bool first = c.first;
  update_each<2>(
      u, BP_RULE {
        // Compares signs, because the product of two small gradients underflows and loses its sign.
        const VecInt<T> same = ((g > zero) & (s[0] > zero)) | ((g < zero) & (s[0] < zero));
        const VecInt<T> turned = ((g > zero) & (s[0] < zero)) | ((g < zero) & (s[0] > zero));
        const Vec<T> size = first ? initial_step : s[1];
        s[1] = min(max(same ? size * eta_plus : turned ? size * eta_minus : size, step_min), step_max);
        s[0] = turned ? zero : g;
        p -= sign(s[0]) * s[1];
      });
}

template <class T>
void lion(const UpdateSpan<T>& u, const LionUpdate<T>& c) {
  const Vec<T> lr = broadcast(c.lr);
  const Vec<T> shrink = broadcast(c.shrink);
  const VecDecay<T> beta1 = broadcast(c.beta1);
  const VecDecay<T> beta2 = broadcast(c.beta2);
  update_each<1>(
      u, BP_RULE {
        p -= fma(shrink, p, lr * sign(decayed<T>(beta1, s[0], g)));
        s[0] = decayed<T>(beta2, s[0], g);
      });
}

#undef BP_RULE

template <class T>
constexpr void add_update_kernels(KernelTable<T>& t) {
#define BACKPASS_ADD(kernel, Coefficients) t.update.kernel = kernel<T>;
  BACKPASS_UPDATES(BACKPASS_ADD, BACKPASS_NOTHING)
#undef BACKPASS_ADD
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE
#endif

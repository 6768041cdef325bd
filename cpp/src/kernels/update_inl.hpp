/// The optimizers' update kernels. Each kernel is a function of one vector of gradients, parameters and state, and
/// update_each() applies it to all vectors. The last, partial vector goes through the same function. So the bits of an
/// element depend neither on its position nor on how a range is split.
#include "kernels/update_kernels.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

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
  t.update = {sgd<T>, rmsprop<T>, adagrad<T>, adam<T>, nadam<T>, rprop<T>, lion<T>};
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

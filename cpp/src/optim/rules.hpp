/// The equations of the optimizers, and the functions that UpdatePlan needs from each of them. Only update_plan.cpp and
/// optimizer.cpp include this file.
///
/// A Rule has:
/// - num_slots(o): the number of slots that the present hyperparameters need, at most as many as O::slot_names. A slot,
///   once created, is kept.
/// - validate(o): throws std::invalid_argument if a hyperparameter is out of range. RuleDefaults checks the ranges.
/// - advance<T>(o, lr, group): advances the group by one step and returns the kernel's coefficients for that step.
#pragma once

#include <cmath>
#include <cstddef>

#include <backpass/optimizer.hpp>

#include "base/require.hpp"
#include "kernels/update_inl.hpp"

namespace backpass::optim {

template <class O>
struct Rule;

struct RuleDefaults {
  /// Whether a slot that is created after the first step resets the groups' step counts.
  static constexpr bool kNewSlotRestarts = false;
  /// Checks the hyperparameters.
  static void validate(const auto& optimizer) { require_fields(optimizer); }
  /// The initial value of a new slot's elements.
  static double slot_value(const auto& /*optimizer*/) { return 0.0; }
};

/// x' = β x + complement · y.
template <class T>
kernels::Decay<T> make_decay(double beta, double complement) {
  const T hi = static_cast<T>(beta);
  return {hi, static_cast<T>(beta - static_cast<double>(hi)), static_cast<T>(complement)};
}
/// A running average: x' = β x + (1 − β) y.
template <class T>
kernels::Decay<T> make_average(double beta) {
  return make_decay<T>(beta, 1.0 - beta);
}

/// Stochastic gradient descent with momentum, after Sutskever, Martens, Dahl and Hinton, "On the importance of
/// initialization and momentum in deep learning", 2013, in the form of torch.optim.SGD:
///
///   g   += weight_decay p
///   buf  = momentum buf + (1 − dampening) g        (a group's first step: buf = g)
///   p   −= lr buf                                  (nesterov: lr (g + momentum buf))
template <>
struct Rule<SGD> : RuleDefaults {
  /// If momentum is switched on later, its first step uses buf = g, like a group's first step.
  static constexpr bool kNewSlotRestarts = true;

  static std::size_t num_slots(const SGD& o) { return o.momentum != 0 ? 1 : 0; }

  static void validate(const SGD& o) {
    require_fields(o);
    if (o.nesterov) {
      require(o.momentum > 0, o.name, "momentum", o.momentum, "greater than 0 with nesterov");
      require(o.dampening == 0, o.name, "dampening", o.dampening, "0 with nesterov");
    }
  }

  template <class T>
  static kernels::SgdUpdate<T> advance(const SGD& o, double lr, OptimizerState::Group& group) {
    const bool first = ++group.step == 1;
    return {
        .lr = static_cast<T>(lr),
        .weight_decay = static_cast<T>(o.weight_decay),
        .decay = first ? make_decay<T>(0.0, 1.0) : make_decay<T>(o.momentum, 1.0 - o.dampening),
        .nesterov = static_cast<T>(o.momentum),
        .has_momentum = o.momentum != 0,
        .has_nesterov = o.nesterov,
    };
  }
};

/// RMSprop, after Tieleman and Hinton, "Lecture 6.5", 2012; centered after Graves, "Generating sequences with recurrent
/// neural networks", 2013; in the form of torch.optim.RMSprop:
///
///   g   += weight_decay p
///   v    = α v + (1 − α) g²
///   u    = g / (√v + eps)                          (centered: a = α a + (1 − α) g, and v − a² instead of v)
///   p   −= lr u                                    (with momentum: buf = momentum buf + u; p −= lr buf)
template <>
struct Rule<RMSprop> : RuleDefaults {
  /// Centered without momentum has an unused momentum buffer: every slot keeps its index and its length for all
  /// settings.
  static std::size_t num_slots(const RMSprop& o) { return o.centered ? 3 : o.momentum != 0 ? 2 : 1; }

  template <class T>
  static kernels::RmspropUpdate<T> advance(const RMSprop& o, double lr, OptimizerState::Group& group) {
    ++group.step;
    return {
        .lr = static_cast<T>(lr),
        .weight_decay = static_cast<T>(o.weight_decay),
        .eps = static_cast<T>(o.eps),
        .alpha = make_average<T>(o.alpha),
        .momentum = make_decay<T>(o.momentum, 1.0),
        .has_momentum = o.momentum != 0,
        .centered = o.centered,
    };
  }
};

/// Adagrad, after Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
/// optimization", 2011, in the form of torch.optim.Adagrad, on step t = 1, 2, …:
///
///   g   += weight_decay p
///   s   += g²                                      (from initial_accumulator_value)
///   p   −= lr / (1 + (t − 1) lr_decay) · g / (√s + eps)
template <>
struct Rule<Adagrad> : RuleDefaults {
  static std::size_t num_slots(const Adagrad& /*o*/) { return 1; }
  static double slot_value(const Adagrad& o) { return o.initial_accumulator_value; }

  template <class T>
  static kernels::AdagradUpdate<T> advance(const Adagrad& o, double lr, OptimizerState::Group& group) {
    const auto before = static_cast<double>(group.step++);
    return {
        .lr = static_cast<T>(lr / (1.0 + before * o.lr_decay)),
        .weight_decay = static_cast<T>(o.weight_decay),
        .eps = static_cast<T>(o.eps),
    };
  }
};

/// Adam, after Kingma and Ba, "Adam: a method for stochastic optimization", 2015; amsgrad after Reddi, Kale and Kumar,
/// "On the convergence of Adam and beyond", 2018; in the form of torch.optim.Adam, on step t = 1, 2, …:
///
///   g   += weight_decay p
///   m    = β1 m + (1 − β1) g
///   v    = β2 v + (1 − β2) g²                      (amsgrad: p −= … uses the largest v so far)
///   p   −= lr / (1 − β1^t) · m / (√(v / (1 − β2^t)) + eps)
///
/// With c = √(1 − β2^t) the last line is p −= lr c / (1 − β1^t) · m / (√v + c eps), which saves one division per
/// element. AdamRule is the common part of Adam and AdamW, which differ only in the weight decay.
template <class O>
struct AdamRule : RuleDefaults {
  static std::size_t num_slots(const O& o) { return o.amsgrad ? 3 : 2; }

 protected:
  template <class T>
  static kernels::AdamUpdate<T> advance(const O& o, double lr, double weight_decay, double shrink,
                                        OptimizerState::Group& group) {
    const auto t = static_cast<double>(++group.step);
    const double c = std::sqrt(1.0 - std::pow(o.beta2, t));
    return {
        .step = static_cast<T>(lr * c / (1.0 - std::pow(o.beta1, t))),
        .eps = static_cast<T>(c * o.eps),
        .weight_decay = static_cast<T>(weight_decay),
        .shrink = static_cast<T>(shrink),
        .beta1 = make_average<T>(o.beta1),
        .beta2 = make_average<T>(o.beta2),
        .amsgrad = o.amsgrad,
    };
  }
};

template <>
struct Rule<Adam> : AdamRule<Adam> {
  template <class T>
  static kernels::AdamUpdate<T> advance(const Adam& o, double lr, OptimizerState::Group& group) {
    return AdamRule::advance<T>(o, lr, o.weight_decay, 0.0, group);
  }
};

/// Adam with decoupled weight decay, after Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, in the
/// form of torch.optim.AdamW: p −= lr weight_decay p replaces g += weight_decay p. Everything else is Adam.
template <>
struct Rule<AdamW> : AdamRule<AdamW> {
  template <class T>
  static kernels::AdamUpdate<T> advance(const AdamW& o, double lr, OptimizerState::Group& group) {
    return AdamRule::advance<T>(o, lr, 0.0, lr * o.weight_decay, group);
  }
};

/// Adam with Nesterov momentum, after Dozat, "Incorporating Nesterov momentum into Adam", 2016, in the form of
/// torch.optim.NAdam, on step t = 1, 2, …:
///
///   g   += weight_decay p
///   μ_t  = β1 (1 − ½ · 0.96^(t momentum_decay)),   Π_t = μ_1 ⋯ μ_t
///   m    = β1 m + (1 − β1) g
///   v    = β2 v + (1 − β2) g²
///   p   −= lr ((1 − μ_t) / (1 − Π_t) g + μ_{t+1} / (1 − Π_{t+1}) m) / (√(v / (1 − β2^t)) + eps)
///
/// As in Adam, the coefficients contain the division by 1 − β2^t.
template <>
struct Rule<NAdam> : RuleDefaults {
  static std::size_t num_slots(const NAdam& /*o*/) { return 2; }

  template <class T>
  static kernels::NadamUpdate<T> advance(const NAdam& o, double lr, OptimizerState::Group& group) {
    const auto t = static_cast<double>(++group.step);
    const auto mu = [&](double step) { return o.beta1 * (1.0 - 0.5 * std::pow(0.96, step * o.momentum_decay)); };
    group.memory *= mu(t);
    const double next = mu(t + 1.0);
    const double c = std::sqrt(1.0 - std::pow(o.beta2, t));
    return {
        .gradient_step = static_cast<T>(lr * c * (1.0 - mu(t)) / (1.0 - group.memory)),
        .moment_step = static_cast<T>(lr * c * next / (1.0 - group.memory * next)),
        .eps = static_cast<T>(c * o.eps),
        .weight_decay = static_cast<T>(o.weight_decay),
        .beta1 = make_average<T>(o.beta1),
        .beta2 = make_average<T>(o.beta2),
    };
  }
};

/// Resilient backpropagation, after Riedmiller and Braun, "A direct adaptive method for faster backpropagation
/// learning: the RPROP algorithm", 1993, in the form of torch.optim.Rprop (without weight backtracking). Each parameter
/// has a step size η, initially lr:
///
///   g g_prev > 0:  η = min(η η⁺, step_max)
///   g g_prev < 0:  η = max(η η⁻, step_min), and g = 0
///   p −= η sign(g);  g_prev = g
///
/// lr matters only on a group's first step, where g_prev = 0.
template <>
struct Rule<Rprop> : RuleDefaults {
  static std::size_t num_slots(const Rprop& /*o*/) { return 2; }

  static void validate(const Rprop& o) {
    require_fields(o);
    require(o.step_max >= o.step_min, o.name, "step_max", o.step_max, "at least step_min");
  }

  template <class T>
  static kernels::RpropUpdate<T> advance(const Rprop& o, double lr, OptimizerState::Group& group) {
    return {
        .eta_minus = static_cast<T>(o.eta_minus),
        .eta_plus = static_cast<T>(o.eta_plus),
        .step_min = static_cast<T>(o.step_min),
        .step_max = static_cast<T>(o.step_max),
        .initial_step = static_cast<T>(lr),
        .first = ++group.step == 1,
    };
  }
};

/// Lion, after Chen et al., "Symbolic discovery of optimization algorithms", 2023, algorithm 2:
///
///   p −= lr (sign(β1 m + (1 − β1) g) + weight_decay p)
///   m  = β2 m + (1 − β2) g
template <>
struct Rule<Lion> : RuleDefaults {
  static std::size_t num_slots(const Lion& /*o*/) { return 1; }

  template <class T>
  static kernels::LionUpdate<T> advance(const Lion& o, double lr, OptimizerState::Group& group) {
    ++group.step;
    return {
        .lr = static_cast<T>(lr),
        .shrink = static_cast<T>(lr * o.weight_decay),
        .beta1 = make_average<T>(o.beta1),
        .beta2 = make_average<T>(o.beta2),
    };
  }
};

}  // namespace backpass::optim

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
#pragma once

#include <cmath>

#include "optim/rule.hpp"

namespace backpass::optim {

template <>
struct Rule<NAdam> : RuleDefaults {
  static constexpr std::size_t kMaxSlots = 2;

  static std::size_t num_slots(const NAdam& /*o*/) { return 2; }

  template <class T>
  static kernels::NadamUpdate<T> advance(const NAdam& o, double lr, OptimizerState::Group& group) {
    const auto t = static_cast<double>(++group.step);
    const auto mu = [&](double step) { return o.beta1 * (1.0 - 0.5 * std::pow(0.96, step * o.momentum_decay)); };
    group.mu_product *= mu(t);
    const double next = mu(t + 1.0);
    const double c = std::sqrt(1.0 - std::pow(o.beta2, t));
    return {
        .gradient_step = static_cast<T>(lr * c * (1.0 - mu(t)) / (1.0 - group.mu_product)),
        .moment_step = static_cast<T>(lr * c * next / (1.0 - group.mu_product * next)),
        .eps = static_cast<T>(c * o.eps),
        .weight_decay = static_cast<T>(o.weight_decay),
        .beta1 = make_average<T>(o.beta1),
        .beta2 = make_average<T>(o.beta2),
    };
  }
};

}  // namespace backpass::optim

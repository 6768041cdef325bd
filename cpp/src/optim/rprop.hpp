/// Resilient backpropagation, after Riedmiller and Braun, "A direct adaptive method for faster backpropagation
/// learning: the RPROP algorithm", 1993, in the form of torch.optim.Rprop (without weight backtracking). Each parameter
/// has a step size η, initially lr:
///
///   g g_prev > 0:  η = min(η η⁺, step_max)
///   g g_prev < 0:  η = max(η η⁻, step_min), and g = 0
///   p −= η sign(g);  g_prev = g
///
/// lr matters only on a group's first step, where g_prev = 0.
#pragma once

#include <cmath>

#include "optim/rule.hpp"

namespace backpass::optim {

template <>
struct Rule<Rprop> : RuleDefaults {
  static constexpr std::size_t kMaxSlots = 2;

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

}  // namespace backpass::optim

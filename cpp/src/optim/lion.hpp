/// Lion, after Chen et al., "Symbolic discovery of optimization algorithms", 2023, algorithm 2:
///
///   p −= lr (sign(β1 m + (1 − β1) g) + weight_decay p)
///   m  = β2 m + (1 − β2) g
#pragma once

#include "optim/rule.hpp"

namespace backpass::optim {

template <>
struct Rule<Lion> : RuleDefaults {
  static constexpr std::size_t kMaxSlots = 1;

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

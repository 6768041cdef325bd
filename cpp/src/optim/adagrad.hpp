/// Adagrad, after Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
/// optimization", 2011, in the form of torch.optim.Adagrad, on step t = 1, 2, …:
///
///   g   += weight_decay p
///   s   += g²                                      (from initial_accumulator_value)
///   p   −= lr / (1 + (t − 1) lr_decay) · g / (√s + eps)
#pragma once

#include "optim/rule.hpp"

namespace backpass::optim {

template <>
struct Rule<Adagrad> : RuleDefaults {
  static constexpr std::size_t kMaxSlots = 1;

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

}  // namespace backpass::optim

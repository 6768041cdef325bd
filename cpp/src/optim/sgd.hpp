/// Stochastic gradient descent with momentum, after Sutskever, Martens, Dahl and Hinton, "On the importance of
/// initialization and momentum in deep learning", 2013, in the form of torch.optim.SGD:
///
///   g   += weight_decay p
///   buf  = momentum buf + (1 − dampening) g        (a group's first step: buf = g)
///   p   −= lr buf                                  (nesterov: lr (g + momentum buf))
#pragma once

#include <cmath>
#include <stdexcept>

#include "optim/rule.hpp"

namespace backpass::optim {

template <>
struct Rule<SGD> : RuleDefaults {
  static constexpr std::size_t kMaxSlots = 1;
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

}  // namespace backpass::optim

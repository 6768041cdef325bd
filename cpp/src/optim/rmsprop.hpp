/// RMSprop, after Tieleman and Hinton, "Lecture 6.5", 2012; centered after Graves, "Generating sequences with recurrent
/// neural networks", 2013; in the form of torch.optim.RMSprop:
///
///   g   += weight_decay p
///   v    = α v + (1 − α) g²
///   u    = g / (√v + eps)                          (centered: a = α a + (1 − α) g, and v − a² instead of v)
///   p   −= lr u                                    (with momentum: buf = momentum buf + u; p −= lr buf)
#pragma once

#include "optim/rule.hpp"

namespace backpass::optim {

template <>
struct Rule<RMSprop> : RuleDefaults {
  static constexpr std::size_t kMaxSlots = 3;

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

}  // namespace backpass::optim

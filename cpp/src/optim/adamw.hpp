/// Adam with decoupled weight decay, after Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, in the
/// form of torch.optim.AdamW: p −= lr weight_decay p replaces g += weight_decay p. Everything else is Adam.
#pragma once

#include "optim/adam.hpp"

namespace backpass::optim {

template <>
struct Rule<AdamW> : AdamRule<AdamW> {
  template <class T>
  static kernels::AdamUpdate<T> advance(const AdamW& o, double lr, OptimizerState::Group& group) {
    return AdamRule::advance<T>(o, lr, 0.0, lr * o.weight_decay, group);
  }
};

}  // namespace backpass::optim

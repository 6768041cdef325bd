/// Adam, after Kingma and Ba, "Adam: a method for stochastic optimization", 2015; amsgrad after Reddi, Kale and Kumar,
/// "On the convergence of Adam and beyond", 2018; in the form of torch.optim.Adam, on step t = 1, 2, …:
///
///   g   += weight_decay p
///   m    = β1 m + (1 − β1) g
///   v    = β2 v + (1 − β2) g²                      (amsgrad: p −= … uses the largest v so far)
///   p   −= lr / (1 − β1^t) · m / (√(v / (1 − β2^t)) + eps)
///
/// With c = √(1 − β2^t) the last line is p −= lr c / (1 − β1^t) · m / (√v + c eps), which saves one division per
/// element.
#pragma once

#include <cmath>

#include "optim/rule.hpp"

namespace backpass::optim {

/// The common part of Adam and AdamW: everything except where the weight decay is applied.
template <class O>
struct AdamRule : RuleDefaults {
  static constexpr std::size_t kMaxSlots = 3;

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

}  // namespace backpass::optim

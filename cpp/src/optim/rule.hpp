/// What UpdatePlan asks of each optimizer. One file an optimizer specialises Rule and states its equations; those files
/// are for update_plan.cpp alone.
///
/// A Rule has
///   kMaxSlots                 state slots it can have, and
///   num_slots(o)              those it needs with the present hyperparameters (a slot once made is kept),
///   validate(o)               which throws std::invalid_argument for hyperparameters out of range,
///   advance<T>(o, lr, group)  which takes the group one step on and returns the kernel's coefficients for that step.
#pragma once

#include <cstddef>

#include <backpass/optimizer.hpp>

#include "kernels/update_kernels.hpp"
#include "optim/require.hpp"

namespace backpass::optim {

template <class O>
struct Rule;

struct RuleDefaults {
  /// Whether a slot that is made after the first step starts the groups' step counts again.
  static constexpr bool kNewSlotRestarts = false;
  /// What new slots are filled with.
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

}  // namespace backpass::optim

/// The functions that UpdatePlan needs from each optimizer. One file per optimizer specialises Rule and states the
/// equations. Only update_plan.cpp and optimizer.cpp include these files.
///
/// A Rule has
///   kMaxSlots                 the largest number of state slots,
///   num_slots(o)              the number that the present hyperparameters need (a slot, once created, is kept),
///   validate(o)               throws std::invalid_argument if a hyperparameter is out of range (RuleDefaults: the
///                             ranges of the fields),
///   advance<T>(o, lr, group)  advances the group by one step and returns the kernel's coefficients for that step.
#pragma once

#include <cstddef>

#include <backpass/optimizer.hpp>

#include "base/require.hpp"
#include "kernels/update_kernels.hpp"

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

}  // namespace backpass::optim

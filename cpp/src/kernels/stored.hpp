/// From which quantity each activation's derivative is computed: the cheapest that is exact. For sigmoid and tanh it is
/// the cheapest that is exact to a unit of 1.
#pragma once

#include <backpass/activation_kind.hpp>

namespace backpass::kernels {

enum class Stored : unsigned char { none, output, preactivation };

constexpr Stored stored_for(ActivationKind kind) {
  switch (kind) {
    case ActivationKind::identity:
      return Stored::none;
    case ActivationKind::relu:
    case ActivationKind::relu6:
    case ActivationKind::sigmoid:
    case ActivationKind::tanh:
    case ActivationKind::softplus:
    case ActivationKind::hard_tanh:
    case ActivationKind::exp:
    case ActivationKind::softmax:
    case ActivationKind::log_softmax:
      return Stored::output;
    default:
      return Stored::preactivation;
  }
}

}  // namespace backpass::kernels

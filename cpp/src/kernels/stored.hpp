/// The quantity from which each activation's derivative is computed: the cheapest one that gives full relative
/// accuracy. For sigmoid and tanh it is the cheapest one with an absolute error of about one ulp of 1
/// (docs/numbers.md).
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

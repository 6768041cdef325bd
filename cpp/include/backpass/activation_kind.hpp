/// \file activation_kind.hpp
/// The closed set of activation functions, in the order in which the kernel tables hold them.
#pragma once

#include <backpass/activation_list.hpp>

namespace backpass {

#define BACKPASS_NAME(name, ...) name,
enum class ActivationKind : unsigned char {
  BACKPASS_ACTIVATIONS(BACKPASS_NAME, BACKPASS_NAME) custom,  ///< the user's own; it has no kernel
};
#undef BACKPASS_NAME

inline constexpr int kElementwiseActivations = static_cast<int>(ActivationKind::softmax);
inline constexpr int kActivationKinds = static_cast<int>(ActivationKind::custom) + 1;

}  // namespace backpass

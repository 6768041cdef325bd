/// \file activation_kind.hpp
/// The closed set of activation functions, as the kernels index it. No includes: every instruction set's
/// translation unit sees this file.
#pragma once

namespace backpass {

enum class ActivationKind : unsigned char {
  identity,
  relu,
  relu6,
  leaky_relu,
  elu,
  selu,
  celu,
  gelu,
  gelu_tanh,
  silu,
  mish,
  softplus,
  softsign,
  sigmoid,
  hard_sigmoid,
  tanh,
  hard_tanh,
  hard_swish,
  exp,
  sin,
  softmax,      ///< couples a row's elements: a full Jacobian, see softmax_kernels
  log_softmax,  ///< the same
  custom,       ///< the user's own; no kernel
};

inline constexpr int kElementwiseActivations = static_cast<int>(ActivationKind::softmax);
inline constexpr int kActivationKinds = static_cast<int>(ActivationKind::custom) + 1;

}  // namespace backpass

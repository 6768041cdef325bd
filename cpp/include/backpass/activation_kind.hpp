/// \file activation_kind.hpp
/// All activation functions. The values are indices into tables of kernels. This file has no includes, because the
/// translation units of all instruction sets include it.
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
  softmax,      ///< mixes the elements of a row: the derivative is a full Jacobian
  log_softmax,  ///< likewise
  custom,       ///< a function of the user, without a kernel
};

inline constexpr int kElementwiseActivations = static_cast<int>(ActivationKind::softmax);
inline constexpr int kActivationKinds = static_cast<int>(ActivationKind::custom) + 1;

}  // namespace backpass

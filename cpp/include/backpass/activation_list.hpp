/// \file activation_list.hpp
/// The activation functions, one row each. The enumeration, the names and factories, the kernel tables, the initializer
/// "auto", the Python classes and the command line are made from these rows. This file has no includes, because the
/// translation units of all kernel sets see it.
///
/// To add an activation, add a row here and its kernel to src/kernels/activation_inl.hpp or smooth_activation_inl.hpp,
/// and renew the Python stub. The tests have one list of definitions each in C++ and in Python.
#pragma once

// PLAIN(name, Class, source, init, outputs, definition)
// PARAMETRIC(name, Class, source, init, outputs, definition, parameter, default_value, domain)
//
//   name           enumerator of ActivationKind, factory of Activation, name in files and in Python
//   Class          class in Python, and struct with the kernels value() and derivative()
//   source         what the derivative is computed from: output (a), preactivation (z), or none
//   init           what the initializer "auto" stands for; instead of he_normal, Glorot in networks of up to 10 layers
//   outputs        the values of φ, an enumerator of OutputRange
//   definition     docstring in Python
//   parameter      name of the parameter
//   default_value  its default value
//   domain         the values that it may have: finite, or nonzero

/// Functions of one element.
#define BACKPASS_ELEMENTWISE_ACTIVATIONS(PLAIN, PARAMETRIC)                                                            \
  PLAIN(identity, Identity, none, glorot_uniform, real, "φ(z) = z")                                                    \
  PLAIN(relu, ReLU, output, he_normal, non_negative, "φ(z) = max(z, 0)")                                               \
  PLAIN(relu6, ReLU6, output, he_normal, non_negative, "φ(z) = min(max(z, 0), 6)")                                     \
  PARAMETRIC(leaky_relu, LeakyReLU, preactivation, he_normal, real, "φ(z) = z for z > 0, else negative_slope z",       \
             negative_slope, 0.01, finite)                                                                             \
  PARAMETRIC(elu, ELU, preactivation, he_normal, real, "φ(z) = z for z > 0, else alpha (exp(z) − 1)", alpha, 1.0,      \
             finite)                                                                                                   \
  PLAIN(selu, SELU, preactivation, lecun_normal, real,                                                                 \
        "φ(z) = λ z for z > 0, else λ α (exp(z) − 1); constants of Klambauer et al. 2017")                             \
  PARAMETRIC(celu, CELU, preactivation, he_normal, real, "φ(z) = z for z > 0, else alpha (exp(z / alpha) − 1)", alpha, \
             1.0, nonzero)                                                                                             \
  PLAIN(gelu, GELU, preactivation, he_normal, real, "φ(z) = z Φ(z), with the normal distribution function Φ")          \
  PLAIN(gelu_tanh, GELUTanh, preactivation, he_normal, real, "φ(z) = z (1 + tanh(√(2/π) (z + 0.044715 z³))) / 2")      \
  PLAIN(silu, SiLU, preactivation, he_normal, real, "φ(z) = z / (1 + exp(−z))")                                        \
  PLAIN(mish, Mish, preactivation, he_normal, real, "φ(z) = z tanh(log(1 + exp(z)))")                                  \
  PLAIN(softplus, Softplus, output, he_normal, non_negative, "φ(z) = log(1 + exp(z))")                                 \
  PLAIN(softsign, Softsign, preactivation, glorot_uniform, real, "φ(z) = z / (1 + |z|)")                               \
  PLAIN(sigmoid, Sigmoid, output, glorot_uniform, unit_interval, "φ(z) = 1 / (1 + exp(−z))")                           \
  PLAIN(hard_sigmoid, HardSigmoid, preactivation, glorot_uniform, unit_interval, "φ(z) = min(max(z / 6 + 1/2, 0), 1)") \
  PLAIN(tanh, Tanh, output, glorot_uniform, real, "φ(z) = tanh(z)")                                                    \
  PLAIN(hard_tanh, HardTanh, output, glorot_uniform, real, "φ(z) = min(max(z, −1), 1)")                                \
  PLAIN(hard_swish, HardSwish, preactivation, he_normal, real, "φ(z) = z min(max(z + 3, 0), 6) / 6")                   \
  PLAIN(exp, Exp, output, glorot_uniform, non_negative, "φ(z) = exp(z)")                                               \
  PLAIN(sin, Sin, preactivation, glorot_uniform, real, "φ(z) = sin(z)")

/// Functions of a sample's row: their Jacobian is a full matrix, and each has kernels of its own (softmax_inl.hpp).
#define BACKPASS_ROW_ACTIVATIONS(PLAIN)                                    \
  PLAIN(softmax, Softmax, output, glorot_uniform, distribution,            \
        "φ(z)_k = exp(z_k) / Σ_j exp(z_j), over the outputs of a sample")  \
  PLAIN(log_softmax, LogSoftmax, output, glorot_uniform, log_distribution, \
        "φ(z)_k = z_k − log Σ_j exp(z_j), over the outputs of a sample")

/// All of them, in the order of ActivationKind.
#define BACKPASS_ACTIVATIONS(PLAIN, PARAMETRIC)       \
  BACKPASS_ELEMENTWISE_ACTIVATIONS(PLAIN, PARAMETRIC) \
  BACKPASS_ROW_ACTIVATIONS(PLAIN)

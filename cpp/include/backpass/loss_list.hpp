/// \file loss_list.hpp
/// The losses, one row each. The variant Loss, the names, the traits, the kernel tables, the Python classes and the
/// command line are made from these rows. This file has no includes, because the translation units of all kernel sets
/// see it.
///
/// To add a loss, add a row here, its struct to loss.hpp, and its kernel to src/kernels/loss_inl.hpp.
#pragma once

// LOSS(name, Class, targets, output)
//
//   name     name in files and in Python, enumerator of the kernel
//   Class    struct in C++, class in Python
//   targets  the values that the targets may have, an enumerator of TargetDomain. A loss of distributions also takes
//            class labels. It is a sum over the outputs of a sample; every other loss is a mean over them.
//   output   the output activation for which the loss is meant: a are probabilities for softmax and sigmoid, rates for
//            exp. For identity, a are values or, if the targets are probabilities, logits.

/// Losses that are a sum over elements. The kernel has the name of the class.
#define BACKPASS_ELEMENTWISE_LOSSES(LOSS)                                   \
  LOSS(mse, MeanSquaredError, real, identity)                               \
  LOSS(mae, MeanAbsoluteError, real, identity)                              \
  LOSS(huber, Huber, real, identity)                                        \
  LOSS(log_cosh, LogCosh, real, identity)                                   \
  LOSS(quantile, Quantile, real, identity)                                  \
  LOSS(binary_cross_entropy, BinaryCrossEntropy, unit_interval, sigmoid)    \
  LOSS(sigmoid_cross_entropy, SigmoidCrossEntropy, unit_interval, identity) \
  LOSS(poisson, Poisson, non_negative, exp)

/// Losses of a sample's row, with kernels of their own (cross_entropy_inl.hpp).
#define BACKPASS_ROW_LOSSES(LOSS)                          \
  LOSS(cross_entropy, CrossEntropy, distribution, softmax) \
  LOSS(softmax_cross_entropy, SoftmaxCrossEntropy, distribution, identity)

/// All of them, in the order of the variant Loss.
#define BACKPASS_LOSSES(LOSS)       \
  BACKPASS_ELEMENTWISE_LOSSES(LOSS) \
  BACKPASS_ROW_LOSSES(LOSS)

// FORM(kernel, Class)
/// Kernels that compute a loss and its output activation from z, and are not a loss themselves.
#define BACKPASS_CLOSED_FORM_KERNELS(FORM) \
  FORM(poisson_exp, PoissonExp)            \
  FORM(poisson_softplus, PoissonSoftplus)

// FORM(Class, output, kernel)
/// With this output activation, the loss and ξ^N are computed from z^N by this kernel. This neither overflows nor needs
/// an epsilon.
#define BACKPASS_CLOSED_FORMS(FORM)                        \
  FORM(CrossEntropy, softmax, softmax_cross_entropy)       \
  FORM(CrossEntropy, log_softmax, softmax_cross_entropy)   \
  FORM(BinaryCrossEntropy, sigmoid, sigmoid_cross_entropy) \
  FORM(Poisson, exp, poisson_exp)                          \
  FORM(Poisson, softplus, poisson_softplus)

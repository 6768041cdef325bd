/// \file gradient_check.hpp
/// Backpropagation's gradients against differences of the loss.
#pragma once

#include <functional>

#include <backpass/compiler.hpp>
#include <backpass/loss.hpp>
#include <backpass/matrix.hpp>
#include <backpass/network.hpp>

namespace backpass {

/// Compares the gradients with central differences of the loss, in double precision and without dropout: of each
/// parameter p the quotients (E(p + h) − E(p − h)) / 2h for shrinking h are extrapolated to h = 0 (Richardson 1911),
/// down to an h that no kink, as that of the ReLU, is within.
/// \param network  not changed; one of floats is checked as its copy of doubles (as are Custom functions: theirs for
///                 double are called)
/// \param between  called after each parameter; what it throws ends the check
/// \returns the largest |g − d| / max(|g|, |d|, 0.001 max|d|) over all parameters, g the gradient and d the difference;
///          NaN when one of them is
/// \throws as Network::loss_and_gradient
template <class T>
[[nodiscard]] BACKPASS_EXPORT double gradient_check(const Network<T>& network, ConstMatrixView<double> x,
                                                    const Targets<double>& y, const Loss& loss,
                                                    const std::function<void()>& between = {});
/// The same for data of floats.
[[nodiscard]] BACKPASS_EXPORT double gradient_check(const Network<float>& network, ConstMatrixView<float> x,
                                                    const Targets<float>& y, const Loss& loss);

extern template double gradient_check(const Network<float>&, ConstMatrixView<double>, const Targets<double>&,
                                      const Loss&, const std::function<void()>&);
extern template double gradient_check(const Network<double>&, ConstMatrixView<double>, const Targets<double>&,
                                      const Loss&, const std::function<void()>&);

}  // namespace backpass

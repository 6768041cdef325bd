/// \file gradient_check.hpp
/// Compares the gradients of backpropagation with differences of the loss.
#pragma once

#include <functional>

#include <backpass/compiler.hpp>
#include <backpass/loss.hpp>
#include <backpass/matrix.hpp>
#include <backpass/network.hpp>

namespace backpass {

/// Compares the gradients with central differences of the loss, in double precision and without dropout. For each
/// parameter p, the quotients (E(p + h) − E(p − h)) / 2h are computed for decreasing h and extrapolated to h = 0
/// (Richardson 1911). h decreases until no kink, e.g. that of the ReLU, is within the step.
/// \param network  does not change. A network of float is checked as a copy in double precision, which calls the
///                 double functions of custom activations and losses
/// \param x        (B, M_0)
/// \param y        (B, M_N), or labels (B)
/// \param between  called after each parameter. If it throws, the check ends
/// \returns the largest |g − d| / max(|g|, |d|, 0.001 max|d|) over all parameters, with the gradient g and the
///          difference d; NaN if one of them is NaN
/// \throws as Network::loss_and_gradient()
template <class T>
[[nodiscard]] BACKPASS_EXPORT double gradient_check(const Network<T>& network, ConstMatrixView<double> x,
                                                    const Targets<double>& y, const Loss& loss,
                                                    const std::function<void()>& between = {});
/// The same for data of type float.
[[nodiscard]] BACKPASS_EXPORT double gradient_check(const Network<float>& network, ConstMatrixView<float> x,
                                                    const Targets<float>& y, const Loss& loss);

extern template double gradient_check(const Network<float>&, ConstMatrixView<double>, const Targets<double>&,
                                      const Loss&, const std::function<void()>&);
extern template double gradient_check(const Network<double>&, ConstMatrixView<double>, const Targets<double>&,
                                      const Loss&, const std::function<void()>&);

}  // namespace backpass

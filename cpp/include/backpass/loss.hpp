/// \file loss.hpp
/// Costs E(a^N) with their gradient ∂E/∂a^N. E is the (weighted) mean over the batch; "mean over samples and
/// outputs" divides by M_N as well.
///
/// Together with the output activation named in brackets, ξ^N comes in closed form from z^N, which neither
/// overflows nor needs an epsilon.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <variant>

#include <backpass/activation.hpp>
#include <backpass/compiler.hpp>
#include <backpass/matrix.hpp>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wfloat-equal"  // settings are equal when all their bits are

namespace backpass {

/// Mean over samples and outputs of (a − y)².  [identity]
struct MeanSquaredError {
  static constexpr std::string_view name = "mse";
  friend bool operator==(const MeanSquaredError&, const MeanSquaredError&) = default;
};
/// Mean over samples and outputs of |a − y|.  [identity]
struct MeanAbsoluteError {
  static constexpr std::string_view name = "mae";
  friend bool operator==(const MeanAbsoluteError&, const MeanAbsoluteError&) = default;
};
/// Quadratic within delta, linear outside (PyTorch's HuberLoss).  [identity]
struct Huber {
  static constexpr std::string_view name = "huber";
  double delta = 1.0;  ///< > 0
  friend bool operator==(const Huber&, const Huber&) = default;
};
/// Mean of log cosh(a − y).  [identity]
struct LogCosh {
  static constexpr std::string_view name = "log_cosh";
  friend bool operator==(const LogCosh&, const LogCosh&) = default;
};
/// Pinball loss: mean of max(q (y − a), (q − 1)(y − a)).  [identity]
struct Quantile {
  static constexpr std::string_view name = "quantile";
  double q = 0.5;  ///< in (0, 1)
  friend bool operator==(const Quantile&, const Quantile&) = default;
};
/// Mean over samples of −Σ_k t_k log a_k; a are PROBABILITIES. t is a label's one-hot row or a distribution, smoothed
/// to (1 − ε) t + ε / M_N.  [softmax, log_softmax]
struct CrossEntropy {
  static constexpr std::string_view name = "cross_entropy";
  double label_smoothing = 0.0;  ///< in [0, 1]
  friend bool operator==(const CrossEntropy&, const CrossEntropy&) = default;
};
/// The same; a are LOGITS.  [identity]
struct SoftmaxCrossEntropy {
  static constexpr std::string_view name = "softmax_cross_entropy";
  double label_smoothing = 0.0;
  friend bool operator==(const SoftmaxCrossEntropy&, const SoftmaxCrossEntropy&) = default;
};
/// Mean over samples and outputs of −y log a − (1 − y) log(1 − a); a are probabilities.  [sigmoid]
struct BinaryCrossEntropy {
  static constexpr std::string_view name = "binary_cross_entropy";
  friend bool operator==(const BinaryCrossEntropy&, const BinaryCrossEntropy&) = default;
};
/// The same; a are logits.  [identity]
struct SigmoidCrossEntropy {
  static constexpr std::string_view name = "sigmoid_cross_entropy";
  friend bool operator==(const SigmoidCrossEntropy&, const SigmoidCrossEntropy&) = default;
};
/// Mean over samples and outputs of a − y log a; a is the rate.  [exp, softplus]
struct Poisson {
  static constexpr std::string_view name = "poisson";
  friend bool operator==(const Poisson&, const Poisson&) = default;
};
/// A user's own cost of the whole batch: value returned, ∂E/∂a^N (of the mean) written to grad.
/// Takes no sample weights: they belong into the function.
struct CustomLoss {
  static constexpr std::string_view name = "custom";
  template <class T>
  using Function = std::function<double(ConstMatrixView<T> a, Targets<T> y, MatrixView<T> grad)>;
  Function<float> function_f32;
  Function<double> function_f64;
};

using Loss = std::variant<MeanSquaredError, MeanAbsoluteError, Huber, LogCosh, Quantile, CrossEntropy,
                          SoftmaxCrossEntropy, BinaryCrossEntropy, SigmoidCrossEntropy, Poisson, CustomLoss>;

/// By its short name ("mse") with default parameters.
/// \throws std::invalid_argument for an unknown name; the message lists the known ones
[[nodiscard]] BACKPASS_EXPORT Loss loss_from_name(std::string_view name);
[[nodiscard]] BACKPASS_EXPORT std::string_view loss_name(const Loss& loss) noexcept;

/// E(a, y), and ∂E/∂a into `grad` (a's shape; may be empty when not wanted). `grad` is `a` itself or apart from it.
/// \param sample_weight  empty, or one weight ≥ 0 a row, not all zero
/// \throws ShapeError, or std::invalid_argument for a label outside [0, M_N) or a loss's parameter out of range
template <class T>
BACKPASS_EXPORT double evaluate_loss(const Loss& loss, ConstMatrixView<T> a, Targets<T> y, MatrixView<T> grad = {},
                                     std::span<const T> sample_weight = {});

extern template double evaluate_loss(const Loss&, ConstMatrixView<float>, Targets<float>, MatrixView<float>,
                                     std::span<const float>);
extern template double evaluate_loss(const Loss&, ConstMatrixView<double>, Targets<double>, MatrixView<double>,
                                     std::span<const double>);

}  // namespace backpass

#pragma GCC diagnostic pop

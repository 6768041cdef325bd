/// \file loss.hpp
/// Losses E(a^N) with their gradients ∂E/∂a^N. E is the (weighted) mean over the batch. "Mean over samples and outputs"
/// also divides by M_N.
///
/// Brackets contain output activations. With one of these, ξ^N is computed from z^N in closed form, which does not
/// overflow and needs no epsilon.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <tuple>
#include <variant>

#include <backpass/activation.hpp>
#include <backpass/compiler.hpp>
#include <backpass/field.hpp>
#include <backpass/matrix.hpp>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wfloat-equal"  // the exact comparison of settings is intended

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
/// Mean over samples and outputs of a function of a − y that is quadratic within ±delta and linear outside (PyTorch's
/// HuberLoss).  [identity]
struct Huber {
  static constexpr std::string_view name = "huber";
  double delta = 1.0;  ///< > 0
  static constexpr auto fields() { return std::tuple{Field{"delta", &Huber::delta, Range::positive}}; }
  friend bool operator==(const Huber&, const Huber&) = default;
};
/// Mean over samples and outputs of log cosh(a − y).  [identity]
struct LogCosh {
  static constexpr std::string_view name = "log_cosh";
  friend bool operator==(const LogCosh&, const LogCosh&) = default;
};
/// Pinball loss: mean over samples and outputs of max(q (y − a), (q − 1)(y − a)).  [identity]
struct Quantile {
  static constexpr std::string_view name = "quantile";
  double q = 0.5;  ///< in (0, 1)
  static constexpr auto fields() { return std::tuple{Field{"q", &Quantile::q, Range::between_0_and_1}}; }
  friend bool operator==(const Quantile&, const Quantile&) = default;
};
/// Mean over samples of −Σ_k t_k log a_k, where a are PROBABILITIES. The target t is a distribution, or 1 for the label
/// and 0 for the other classes. Label smoothing by ε replaces t by (1 − ε) t + ε / M_N.  [softmax, log_softmax]
struct CrossEntropy {
  static constexpr std::string_view name = "cross_entropy";
  double label_smoothing = 0.0;  ///< ε, in [0, 1]
  static constexpr auto fields() {
    return std::tuple{Field{"label_smoothing", &CrossEntropy::label_smoothing, Range::from_0_to_1}};
  }
  friend bool operator==(const CrossEntropy&, const CrossEntropy&) = default;
};
/// CrossEntropy of softmax(a), where a are LOGITS.  [identity]
struct SoftmaxCrossEntropy {
  static constexpr std::string_view name = "softmax_cross_entropy";
  double label_smoothing = 0.0;  ///< as in CrossEntropy
  static constexpr auto fields() {
    return std::tuple{Field{"label_smoothing", &SoftmaxCrossEntropy::label_smoothing, Range::from_0_to_1}};
  }
  friend bool operator==(const SoftmaxCrossEntropy&, const SoftmaxCrossEntropy&) = default;
};
/// Mean over samples and outputs of −y log a − (1 − y) log(1 − a), where a are probabilities.  [sigmoid]
struct BinaryCrossEntropy {
  static constexpr std::string_view name = "binary_cross_entropy";
  friend bool operator==(const BinaryCrossEntropy&, const BinaryCrossEntropy&) = default;
};
/// BinaryCrossEntropy of sigmoid(a), where a are logits.  [identity]
struct SigmoidCrossEntropy {
  static constexpr std::string_view name = "sigmoid_cross_entropy";
  friend bool operator==(const SigmoidCrossEntropy&, const SigmoidCrossEntropy&) = default;
};
/// Mean over samples and outputs of a − y log a, where a is the rate.  [exp, softplus]
struct Poisson {
  static constexpr std::string_view name = "poisson";
  friend bool operator==(const Poisson&, const Poisson&) = default;
};
/// A loss of the user for the whole batch. The function gets a^N (B, M_N) and the targets y, returns the mean E, and
/// writes ∂E/∂a^N to grad (B, M_N). Calls with this loss do not accept sample weights: the function must apply them.
struct CustomLoss {
  static constexpr std::string_view name = "custom";
  template <class T>
  using Function = std::function<double(ConstMatrixView<T> a, Targets<T> y, MatrixView<T> grad)>;
  Function<float> function_f32;
  Function<double> function_f64;
};

using Loss = std::variant<MeanSquaredError, MeanAbsoluteError, Huber, LogCosh, Quantile, CrossEntropy,
                          SoftmaxCrossEntropy, BinaryCrossEntropy, SigmoidCrossEntropy, Poisson, CustomLoss>;

/// The loss with this short name (e.g. "mse") and default parameters.
/// \throws std::invalid_argument for an unknown name; the message lists the known names
[[nodiscard]] BACKPASS_EXPORT Loss loss_from_name(std::string_view name);
/// The short name of a loss.
[[nodiscard]] BACKPASS_EXPORT std::string_view loss_name(const Loss& loss) noexcept;

/// \throws std::invalid_argument if a parameter is out of range
BACKPASS_EXPORT void validate(const Loss& loss);

/// Computes E(a, y) and ∂E/∂a.
/// \param a              (B, M_N)
/// \param y              (B, M_N), or labels (B)
/// \param grad           receives ∂E/∂a, (B, M_N); not computed if empty. May be `a` or y, but must not overlap them
///                       otherwise
/// \param sample_weight  empty, or (B): finite, ≥ 0, not all zero
/// \throws ShapeError if the shapes do not match or if matrices overlap
/// \throws std::invalid_argument if B is 0, a label is outside [0, M_N), or a weight or parameter is out of range
/// \returns E
template <class T>
BACKPASS_EXPORT double evaluate_loss(const Loss& loss, ConstMatrixView<T> a, Targets<T> y, MatrixView<T> grad = {},
                                     std::span<const T> sample_weight = {});

extern template double evaluate_loss(const Loss&, ConstMatrixView<float>, Targets<float>, MatrixView<float>,
                                     std::span<const float>);
extern template double evaluate_loss(const Loss&, ConstMatrixView<double>, Targets<double>, MatrixView<double>,
                                     std::span<const double>);

}  // namespace backpass

#pragma GCC diagnostic pop

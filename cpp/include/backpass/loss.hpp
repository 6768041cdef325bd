/// \file loss.hpp
/// Losses E(a^N) with their gradients ∂E/∂a^N. E is the (weighted) mean over the batch. "Mean over samples and outputs"
/// also divides by M_N.
///
/// loss_list.hpp has a row for each loss.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include <backpass/activation.hpp>
#include <backpass/compiler.hpp>
#include <backpass/field.hpp>
#include <backpass/loss_list.hpp>
#include <backpass/matrix.hpp>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wfloat-equal"  // the exact comparison of settings is intended

namespace backpass {

struct MeanSquaredError {
  static constexpr std::string_view name = "mse";
  static constexpr const char* definition = "Mean over samples and outputs of (a − y)².";
  friend bool operator==(const MeanSquaredError&, const MeanSquaredError&) = default;
};
struct MeanAbsoluteError {
  static constexpr std::string_view name = "mae";
  static constexpr const char* definition = "Mean over samples and outputs of |a − y|.";
  friend bool operator==(const MeanAbsoluteError&, const MeanAbsoluteError&) = default;
};
struct Huber {
  static constexpr std::string_view name = "huber";
  static constexpr const char* definition =
      "Mean over samples and outputs of d²/2 for |d| ≤ delta, else delta (|d| − delta/2), with d = a − y.\n\n"
      "Huber 1964; PyTorch's HuberLoss.";
  double delta = 1.0;
  static constexpr auto fields() {
    return std::tuple{Field{"delta", &Huber::delta, Range::positive, "Where the quadratic part ends."}};
  }
  friend bool operator==(const Huber&, const Huber&) = default;
};
struct LogCosh {
  static constexpr std::string_view name = "log_cosh";
  static constexpr const char* definition = "Mean over samples and outputs of log cosh(a − y).";
  friend bool operator==(const LogCosh&, const LogCosh&) = default;
};
struct Quantile {
  static constexpr std::string_view name = "quantile";
  static constexpr const char* definition =
      "Pinball loss: mean over samples and outputs of max(q (y − a), (q − 1)(y − a)).\n\n"
      "The q-quantile minimises it.";
  double q = 0.5;
  static constexpr auto fields() {
    return std::tuple{Field{"q", &Quantile::q, Range::between_0_and_1, "The quantile."}};
  }
  friend bool operator==(const Quantile&, const Quantile&) = default;
};
struct CrossEntropy {
  static constexpr std::string_view name = "cross_entropy";
  static constexpr const char* definition =
      "Mean over samples of −Σ_k t_k log a_k, with probabilities a.\n\n"
      "The target t is a distribution, or 1 for the label and 0 for the other classes. After softmax or log_softmax,\n"
      "the loss is computed from z and cannot overflow.";
  double label_smoothing = 0.0;
  static constexpr auto fields() {
    return std::tuple{Field{"label_smoothing", &CrossEntropy::label_smoothing, Range::from_0_to_1,
                            "ε: (1 − ε) t + ε / M replaces t."}};
  }
  friend bool operator==(const CrossEntropy&, const CrossEntropy&) = default;
};
struct SoftmaxCrossEntropy {
  static constexpr std::string_view name = "softmax_cross_entropy";
  static constexpr const char* definition = "CrossEntropy of softmax(a), with logits a.";
  double label_smoothing = 0.0;
  static constexpr auto fields() {
    return std::tuple{Field{"label_smoothing", &SoftmaxCrossEntropy::label_smoothing, Range::from_0_to_1,
                            "ε: (1 − ε) t + ε / M replaces t."}};
  }
  friend bool operator==(const SoftmaxCrossEntropy&, const SoftmaxCrossEntropy&) = default;
};
struct BinaryCrossEntropy {
  static constexpr std::string_view name = "binary_cross_entropy";
  static constexpr const char* definition =
      "Mean over samples and outputs of −y log a − (1 − y) log(1 − a), with probabilities a.\n\n"
      "After sigmoid, the loss is computed from z and cannot overflow.";
  friend bool operator==(const BinaryCrossEntropy&, const BinaryCrossEntropy&) = default;
};
struct SigmoidCrossEntropy {
  static constexpr std::string_view name = "sigmoid_cross_entropy";
  static constexpr const char* definition = "BinaryCrossEntropy of sigmoid(a), with logits a.";
  friend bool operator==(const SigmoidCrossEntropy&, const SigmoidCrossEntropy&) = default;
};
struct Poisson {
  static constexpr std::string_view name = "poisson";
  static constexpr const char* definition =
      "Mean over samples and outputs of a − y log a, with the rate a.\n\n"
      "After exp or softplus, the loss is computed from z.";
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

#define BACKPASS_ALTERNATIVE(name, Class, ...) Class,
using Loss = std::variant<BACKPASS_LOSSES(BACKPASS_ALTERNATIVE) CustomLoss>;
#undef BACKPASS_ALTERNATIVE

/// The values that targets y may have.
enum class TargetDomain : unsigned char {
  real,           ///< any number
  non_negative,   ///< y ≥ 0
  unit_interval,  ///< 0 ≤ y ≤ 1: a probability per output
  distribution,   ///< y ≥ 0 with sum 1 over the outputs of a sample, or a class label
};
/// What a row of loss_list.hpp says about a loss.
struct LossTraits {
  TargetDomain targets = TargetDomain::real;
  ActivationKind output = ActivationKind::identity;  ///< the output activation for which the loss is meant

  [[nodiscard]] constexpr bool takes_labels() const noexcept { return targets == TargetDomain::distribution; }
  [[nodiscard]] constexpr bool mean_over_outputs() const noexcept { return targets != TargetDomain::distribution; }
  /// Whether the targets are probabilities, so that the training is a classification.
  [[nodiscard]] constexpr bool classifies() const noexcept {
    return targets == TargetDomain::unit_interval || targets == TargetDomain::distribution;
  }
  [[nodiscard]] constexpr bool takes_logits() const noexcept {
    return classifies() && output == ActivationKind::identity;
  }
};
/// The traits of the loss L. A CustomLoss has the default ones.
template <class L>
inline constexpr LossTraits loss_traits_of{};
#define BACKPASS_TRAITS(name, Class, targets, output) \
  template <>                                         \
  inline constexpr LossTraits loss_traits_of<Class>{TargetDomain::targets, ActivationKind::output};
BACKPASS_LOSSES(BACKPASS_TRAITS)
#undef BACKPASS_TRAITS
[[nodiscard]] constexpr LossTraits loss_traits(const Loss& loss) noexcept {
  return std::visit([]<class L>(const L&) { return loss_traits_of<L>; }, loss);
}

/// The loss with this short name (e.g. "mse") and default parameters.
/// \throws std::invalid_argument for an unknown name; the message lists the known names
[[nodiscard]] BACKPASS_EXPORT Loss loss_from_name(std::string_view name);
/// The names that loss_from_name() knows.
[[nodiscard]] BACKPASS_EXPORT std::vector<std::string> loss_names();
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

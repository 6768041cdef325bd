/// A loss, resolved against the output's activation: which kernel, from which quantity, with which factors.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>

#include <backpass/loss.hpp>

#include "kernels/dispatch.hpp"

namespace backpass::nn {

/// Where the loss starts from.
enum class LossSource : unsigned char {
  output,         ///< a^N; what comes out is ∂E/∂a^N
  preactivation,  ///< z^N; what comes out is ξ^N itself
};

template <class T>
struct LossPlan {
  kernels::LossKernel kernel;
  T parameter = T(0);
  bool mean_over_outputs = true;
  LossSource source = LossSource::output;
};

/// A plan for rows of a certain length.
template <class T>
class RowLoss {
 public:
  RowLoss(const LossPlan<T>& plan, std::size_t outputs) noexcept
      : kernel_(kernels::table<T>().loss[static_cast<int>(plan.kernel)]),
        parameter_(plan.parameter),
        outputs_(outputs),
        share_(plan.mean_over_outputs ? 1.0 / static_cast<double>(outputs) : 1.0),
        mean_over_outputs_(plan.mean_over_outputs) {}

  /// One row's loss e_b, after the mean over outputs and before its weight.
  /// \param s  (outputs) of a^N or z^N, as the plan's source says \param y_row  the row's place in y
  /// \param scale  w_b / Σw, a factor of the gradient alone \param grad  (outputs), or null; may be s, but then a
  ///                 sum over outputs that overflows stays infinite where the mean is not
  [[nodiscard]] double operator()(const T* s, const Targets<T>& y, std::size_t y_row, T scale, T* grad) const {
    const bool labels = y.are_labels();
    const T* const values = labels ? nullptr : y.values().row(y_row);
    const auto label = labels ? static_cast<kernels::Index>(y.label(y_row)) : 0;
    const double value = share_ * kernel_(static_cast<kernels::Index>(outputs_), parameter_, s, values, label,
                                          scale * static_cast<T>(share_), grad);
    return !mean_over_outputs_ || std::isfinite(value) || grad == s ? value : mean_of_large(s, values);
  }

 private:
  /// The mean where the sum overflows.
  [[nodiscard]] double mean_of_large(const T* s, const T* values) const noexcept {
    double mean = 0.0;
    for (std::size_t k = 0; k < outputs_; ++k) {
      mean += share_ * kernel_(1, parameter_, s + k, values + k, 0, T(0), nullptr);
    }
    return mean;
  }

  double (*kernel_)(kernels::Index n, T parameter, const T* s, const T* y, kernels::Index label, T scale, T* g);
  T parameter_;
  std::size_t outputs_;
  double share_;  ///< of one output in e_b
  bool mean_over_outputs_;
};

/// E = Σ_b w_b e_b / Σ_b w_b, so that no partial sum exceeds half the largest e_b: a mean is finite where its terms
/// are. The weights are made small by a power of two, which is exact, so the bits are those of the plain sum where that
/// is finite.
struct RowMean {
  double reciprocal;  ///< 1 / Σ w
  double shrink;      ///< a power of two, at most 1 / (2 Σ w)

  explicit RowMean(double reciprocal_of_weights) noexcept;
  /// Row b's part of the sum.
  [[nodiscard]] double term(double weight, double loss) const noexcept { return weight * shrink * loss; }
  /// E from the sum of all terms.
  [[nodiscard]] double of(double sum) const noexcept { return sum * (reciprocal / shrink); }
};

/// \throws std::invalid_argument when a parameter of the loss is out of range, or for a CustomLoss, which has no rows
template <class T>
LossPlan<T> plan_loss(const Loss& loss, const Activation& output);

/// Whether a cost sees class labels.
[[nodiscard]] bool takes_labels(const Loss& loss) noexcept;

/// \param prefix  of the message: whose y it is
/// \throws ShapeError, std::invalid_argument unless (rows, outputs), y and weights fit each other and the loss, and
/// rows > 0
template <class T>
void check_targets(const Loss& loss, std::size_t rows, std::size_t outputs, const Targets<T>& y,
                   std::span<const T> sample_weight, std::string_view prefix = "");

/// 1 / Σ_b w_b, the sum in double and in order. \throws std::invalid_argument unless weights are finite, ≥ 0 and not
/// all zero
template <class T>
double reciprocal_weight_sum(std::span<const T> sample_weight, std::size_t rows);

}  // namespace backpass::nn

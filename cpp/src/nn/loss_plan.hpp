/// A loss, resolved against the output's activation: which kernel, from which quantity, with which factors.
#pragma once

#include <cstddef>
#include <span>

#include <backpass/loss.hpp>

#include "kernels/kernel_table.hpp"

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

  /// One row's loss e_b, after the mean over outputs and before its weight.
  /// \param s  (outputs) of a^N or z^N, as source says \param y_row  the row's place in y
  /// \param scale  w_b / Σw, a factor of the gradient alone \param grad  (outputs), or null; may be s
  [[nodiscard]] double row(std::size_t outputs, const T* s, const Targets<T>& y, std::size_t y_row, T scale,
                           T* grad) const;
};

/// \throws std::invalid_argument when a parameter of the loss is out of range, or for a CustomLoss, which has no rows
template <class T>
LossPlan<T> plan_loss(const Loss& loss, const Activation& output);

/// Whether a cost sees class labels.
[[nodiscard]] bool takes_labels(const Loss& loss) noexcept;

/// \throws ShapeError, std::invalid_argument unless (rows, outputs), y and weights fit each other and the loss, and
/// rows > 0
template <class T>
void check_targets(const Loss& loss, std::size_t rows, std::size_t outputs, const Targets<T>& y,
                   std::span<const T> sample_weight);

/// 1 / Σ_b w_b, the sum in double and in order. \throws std::invalid_argument unless weights are finite, ≥ 0 and not
/// all zero
template <class T>
double reciprocal_weight_sum(std::span<const T> sample_weight, std::size_t rows);

}  // namespace backpass::nn

/// How to compute a loss for a given output activation: the kernel, its input and its factors.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>

#include <backpass/loss.hpp>

#include "kernels/dispatch.hpp"

namespace backpass::model {

/// The input of the loss kernel.
enum class LossSource : unsigned char {
  output,         ///< a^N; the gradient is ∂E/∂a^N
  preactivation,  ///< z^N; the gradient is ξ^N
};

template <class T>
struct LossPlan {
  kernels::LossKernel kernel;
  T parameter = T(0);
  bool mean_over_outputs = true;
  LossSource source = LossSource::output;
};

/// Computes the loss of single rows with a fixed number of outputs.
template <class T>
class RowLoss {
 public:
  /// \param y  (any number of rows, outputs), or labels; must outlive this object
  RowLoss(const LossPlan<T>& plan, std::size_t outputs, const Targets<T>& y) noexcept
      : y_(y),
        values_(y.are_labels() ? ConstMatrixView<T>() : y.values()),
        kernel_(kernels::table<T>().loss[static_cast<int>(plan.kernel)]),
        parameter_(plan.parameter),
        outputs_(outputs),
        share_(plan.mean_over_outputs ? 1.0 / static_cast<double>(outputs) : 1.0),
        mean_over_outputs_(plan.mean_over_outputs) {}

  /// The loss e_b of row b: the mean over outputs is included, the sample weight is not.
  /// \param s      (M_N), a row of a^N or z^N, as LossPlan::source says
  /// \param row    the number of the row in y
  /// \param scale  w_b / Σ_b w_b, a factor of the gradient only
  /// \param grad   (M_N), receives the gradient; or null. May be s: then a sum over outputs that overflows stays
  ///               infinite, even if the mean is finite
  // [row-loss]
  [[nodiscard]] double operator()(const T* s, std::size_t row, T scale, T* grad) const {
    const T* const values = values_.data() == nullptr ? nullptr : values_.row(row);
    const auto label = values == nullptr ? static_cast<kernels::Index>(y_.label(row)) : 0;
    const double value = share_ * kernel_(static_cast<kernels::Index>(outputs_), parameter_, s, values, label,
                                          scale * static_cast<T>(share_), grad);
    return !mean_over_outputs_ || std::isfinite(value) || grad == s ? value : mean_of_large(s, values);
  }
  // [/row-loss]

 private:
  /// The mean over outputs, term by term, for a sum that overflows.
  /// \param s       (M_N)
  /// \param values  (M_N)
  [[nodiscard]] double mean_of_large(const T* s, const T* values) const noexcept {
    double mean = 0.0;
    for (std::size_t k = 0; k < outputs_; ++k) {
      mean += share_ * kernel_(1, parameter_, s + k, values + k, 0, T(0), nullptr);
    }
    return mean;
  }

  const Targets<T>& y_;
  ConstMatrixView<T> values_;  ///< of y; empty if y are labels
  double (*kernel_)(kernels::Index n, T parameter, const T* s, const T* y, kernels::Index label, T scale, T* g);
  T parameter_;
  std::size_t outputs_;
  double share_;  ///< factor of one output in e_b
  bool mean_over_outputs_;
};

/// E = Σ_b w_b e_b / Σ_b w_b. No partial sum exceeds half of the largest e_b, so the mean is finite if its terms are
/// finite. For this the weights are multiplied by a small power of two. This is exact: if the plain sum is finite, the
/// bits are those of the plain sum.
struct RowMean {
  double reciprocal;  ///< 1 / Σ w
  double shrink;      ///< a power of two, at most 1 / (2 Σ w)

  explicit RowMean(double reciprocal_of_weights) noexcept;
  /// The term of one row, for the sum.
  [[nodiscard]] double term(double weight, double loss) const noexcept { return weight * shrink * loss; }
  /// E from the sum of all terms.
  [[nodiscard]] double of(double sum) const noexcept { return sum * (reciprocal / shrink); }
};

/// \throws std::invalid_argument if a parameter of the loss is out of range, or for a CustomLoss, which cannot be
///         computed row by row
template <class T>
LossPlan<T> plan_loss(const Loss& loss, const Activation& output);

/// 1 / Σ_b w_b, summed in double precision and in order; 1 / rows without weights.
/// \param sample_weight  (rows), or empty
/// \throws std::invalid_argument unless the weights are finite, ≥ 0 and not all zero
template <class T>
double reciprocal_weight_sum(std::span<const T> sample_weight, std::size_t rows);

}  // namespace backpass::model

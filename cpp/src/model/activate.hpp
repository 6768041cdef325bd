/// Applies φ and φ' to matrices with one sample per row.
#pragma once

#include <backpass/activation.hpp>
#include <backpass/matrix.hpp>

#include "kernels/kernel_table.hpp"
#include "kernels/stored.hpp"

namespace backpass::model {

/// The quantity that φ' is computed from: z, a, or nothing (identity).
inline kernels::Stored stored_for(const Activation& activation) noexcept {
  return kernels::stored_for(activation.kind());
}

/// True if φ is elementwise. Then parts of a row can be computed separately.
inline bool is_elementwise(const Activation& activation) noexcept {
  return static_cast<int>(activation.kind()) < kElementwiseActivations;
}

/// The kernel of softmax or log_softmax, which computes one row of n elements; null for another φ.
template <class T>
auto row_kernel(const kernels::KernelTable<T>& kernels, const Activation& activation) noexcept
    -> decltype(kernels.softmax) {
  return activation.kind() == ActivationKind::softmax       ? kernels.softmax
         : activation.kind() == ActivationKind::log_softmax ? kernels.log_softmax
                                                            : nullptr;
}

/// a = φ(z), both of shape (B, M_i). a may be z.
template <class T>
void activate(const kernels::KernelTable<T>& kernels, const Activation& activation, ConstMatrixView<T> z,
              MatrixView<T> a);

/// g = J_φ(z)ᵀ g. For an elementwise φ this is φ'(z) ⊙ g.
/// \param stored  (B, M_i): z or a, as stored_for() says; unused for the identity
/// \param g       (B, M_i), in place
template <class T>
void multiply_by_derivative(const kernels::KernelTable<T>& kernels, const Activation& activation,
                            ConstMatrixView<T> stored, MatrixView<T> g);

}  // namespace backpass::model

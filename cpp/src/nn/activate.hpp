/// φ and φ' on rows.
#pragma once

#include <backpass/activation.hpp>
#include <backpass/matrix.hpp>

#include "kernels/stored.hpp"

namespace backpass::nn {

/// Which of z and a the derivative of φ is computed from.
inline kernels::Stored stored_for(const Activation& activation) noexcept {
  return kernels::stored_for(activation.kind());
}

/// Whether φ looks at one element at a time: then parts of a row can be worked on apart.
inline bool is_elementwise(const Activation& activation) noexcept {
  return static_cast<int>(activation.kind()) < kElementwiseActivations;
}

/// a = φ(z); a may be z.
template <class T>
void activate(const Activation& activation, ConstMatrixView<T> z, MatrixView<T> a);

/// g = J_φ(z)ᵀ g, which for an elementwise φ is φ'(z) ⊙ g.
/// \param stored  z or a, as stored_for says (unused for identity)
template <class T>
void multiply_by_derivative(const Activation& activation, ConstMatrixView<T> stored, MatrixView<T> g);

}  // namespace backpass::nn

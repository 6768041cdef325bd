/// The matrix products of layer i = 1 … N, forward and backward, with one sample per row. Layer i has M_{i-1} inputs
/// and M_i outputs.
#pragma once

#include <cstddef>

#include <backpass/matrix.hpp>

#include "model/model.hpp"
#include "pass/worker.hpp"

namespace backpass::pass {

/// Some columns of Z^i = A^{i-1} (W^i)ᵀ + b^i.
/// \param a       (B, M_{i-1})
/// \param z       (B, number of columns)
/// \param column  the first column
template <class T>
void dense_forward(const Worker<T>& worker, const model::Model<T>& model, std::size_t i, ConstMatrixView<T> a,
                   MatrixView<T> z, std::size_t column);

/// Some columns of ∂E/∂A^{i-1} = Ξ^i W^i.
/// \param xi      (B, M_i)
/// \param below   (B, number of columns)
/// \param column  the first column
template <class T>
void dense_backward(const Worker<T>& worker, const model::Model<T>& model, std::size_t i, ConstMatrixView<T> xi,
                    MatrixView<T> below, std::size_t column);

/// ∂E/∂w^i_kj = Σ_b ξ^i_bk a^{i-1}_bj over rows b in order, for j in [begin, end).
/// \param a           (B, M_{i-1})
/// \param xi          (B, M_i)
/// \param gradients   with the layout of the parameters
/// \param accumulate  true: continues the sums in `gradients`; false: starts from 0
template <class T>
void dense_weight_gradient(const Worker<T>& worker, const model::Model<T>& model, std::size_t i, ConstMatrixView<T> a,
                           ConstMatrixView<T> xi, std::size_t begin, std::size_t end, T* gradients, bool accumulate);

/// ∂E/∂b^i_k = Σ_b ξ^i_bk over rows b in order.
/// \param xi          (B, M_i)
/// \param gradients   with the layout of the parameters
/// \param accumulate  true: continues the sums in `gradients`; false: starts from 0
template <class T>
void dense_bias_gradient(const Worker<T>& worker, const model::Model<T>& model, std::size_t i, ConstMatrixView<T> xi,
                         T* gradients, bool accumulate);

}  // namespace backpass::pass

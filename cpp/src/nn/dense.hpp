/// The matrix products of one layer, forward and backward, with one sample per row.
///
/// The parameter i is the zero-based index into model.layers. The equations and shapes count layers from 1: layer i has
/// M_{i-1} inputs and M_i outputs.
#pragma once

#include <cstddef>

#include <backpass/matrix.hpp>

#include "nn/model.hpp"

namespace backpass::nn {

/// Threads divide the rows and columns of a product in multiples of these. A register tile of 4 rows keeps the
/// multiply-add units as busy as a larger tile. 32 columns are whole vectors and whole cache lines.
inline constexpr std::size_t kRowGrain = 4;
inline constexpr std::size_t kColumnGrain = 32;

/// Number of scratch elements that is sufficient for each product of the model.
template <class T>
[[nodiscard]] std::size_t dense_scratch_size(const Model<T>& model);

/// Some columns of Z^i = A^{i-1} (W^i)ᵀ + b^i.
/// \param a       (B, M_{i-1})
/// \param z       (B, number of columns)
/// \param column  the first column
template <class T>
void dense_forward(const Model<T>& model, std::size_t i, ConstMatrixView<T> a, MatrixView<T> z, std::size_t column,
                   T* scratch);

/// Some columns of ∂E/∂A^{i-1} = Ξ^i W^i.
/// \param xi      (B, M_i)
/// \param below   (B, number of columns)
/// \param column  the first column
template <class T>
void dense_backward(const Model<T>& model, std::size_t i, ConstMatrixView<T> xi, MatrixView<T> below,
                    std::size_t column, T* scratch);

/// ∂E/∂w^i_kj = Σ_b ξ^i_bk a^{i-1}_bj over rows b in order, for j in [begin, end).
/// \param a           (B, M_{i-1})
/// \param xi          (B, M_i)
/// \param gradients   with the layout of the parameters
/// \param accumulate  true: continues the sums in `gradients`; false: starts from 0
/// \param take_ownership       null, or the parameters: this core takes the cache lines of rows [begin, end) of Wt from
/// other
///                    cores' caches (Product::take_ownership)
template <class T>
void dense_weight_gradient(const Model<T>& model, std::size_t i, ConstMatrixView<T> a, ConstMatrixView<T> xi,
                           std::size_t begin, std::size_t end, T* gradients, bool accumulate, T* take_ownership,
                           T* scratch);

/// ∂E/∂b^i_k = Σ_b ξ^i_bk over rows b in order.
template <class T>
void dense_bias_gradient(const Model<T>& model, std::size_t i, ConstMatrixView<T> xi, T* gradients, bool accumulate,
                         T* scratch);

}  // namespace backpass::nn

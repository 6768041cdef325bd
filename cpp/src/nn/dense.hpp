/// The products of one layer: forward, and beside it what backpropagation makes of it. Rows are samples.
#pragma once

#include <cstddef>

#include <backpass/matrix.hpp>

#include "nn/model.hpp"

namespace backpass::nn {

/// Rows, and columns, of a product that threads should not take apart: a register tile of so many rows keeps the
/// multiply-adds as busy as a larger one, and so many columns are whole cache lines and vectors.
inline constexpr std::size_t kRowGrain = 4;
inline constexpr std::size_t kColumnGrain = 32;

/// Elements of scratch that any of the products of a model may need.
template <class T>
[[nodiscard]] std::size_t dense_scratch_size(const Model<T>& model);

/// Columns of Z^i = A^{i-1} (W^i)ᵀ + b^i.
/// \param z  those columns \param column  the first of them
template <class T>
void dense_forward(const Model<T>& model, std::size_t i, ConstMatrixView<T> a, MatrixView<T> z, std::size_t column,
                   T* scratch);

/// Columns of Ξ^i W^i, which is ∂E/∂A^{i-1}.
/// \param below  those columns \param column  the first of them
template <class T>
void dense_backward(const Model<T>& model, std::size_t i, ConstMatrixView<T> xi, MatrixView<T> below,
                    std::size_t column, T* scratch);

/// ∂E/∂w^i_kj = Σ_b ξ^i_bk a^{i-1}_bj over rows in order, for j in [begin, end).
/// \param gradients  laid out as the parameters \param accumulate  goes on from what is there
/// \param claim  null, or the parameters: those of the rows are taken from other cores' caches (Product::claim)
template <class T>
void dense_weight_gradient(const Model<T>& model, std::size_t i, ConstMatrixView<T> a, ConstMatrixView<T> xi,
                           std::size_t begin, std::size_t end, T* gradients, bool accumulate, T* claim, T* scratch);

/// ∂E/∂b^i_k = Σ_b ξ^i_bk over rows in order.
template <class T>
void dense_bias_gradient(const Model<T>& model, std::size_t i, ConstMatrixView<T> xi, T* gradients, bool accumulate,
                         T* scratch);

}  // namespace backpass::nn

/// Matrix products larger than one kernel block: whether to pack B, and which blocks to compute.
#pragma once

#include <cstddef>

#include "kernels/kernel_table.hpp"

namespace backpass::linalg {

using kernels::Index;
using kernels::KernelTable;
using kernels::Product;

/// Memory layout of the factor B (k, n) of a product.
enum class Layout : unsigned char {
  plain,       ///< B(p,j) = b[p * b_row + j]
  transposed,  ///< B(p,j) = b[j * b_row + p]
};

/// Number of elements of scratch that a product with this k needs.
template <class T>
[[nodiscard]] std::size_t scratch_size(const KernelTable<T>& kernels, std::size_t k) noexcept;

/// Computes the product. From 2^20 multiply-adds on it polls, during the computation and at its end, except a product
/// with fewer columns than a vector has lanes and a transposed A. If a poll throws, C is partly computed.
/// \param b_layout  layout of p.b
/// \param scratch   scratch_size(kernels, p.k) elements that only this thread uses
template <class T>
void multiply(const KernelTable<T>& kernels, const Product<T>& p, Layout b_layout, T* scratch);

}  // namespace backpass::linalg

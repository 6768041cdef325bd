/// Matrix products larger than one kernel block: whether to pack B, and which blocks to compute.
#pragma once

#include <cstddef>

#include "kernels/kernel_table.hpp"

namespace backpass::linalg {

using kernels::Index;
using kernels::KernelTable;

/// Memory layout of B (k, n).
enum class Layout : unsigned char {
  plain,       ///< B(p,j) = b[p * b_row + j]
  transposed,  ///< B(p,j) = b[j * b_row + p]
};

/// C (m, n) = A (m, k) · B (k, n) + bias (n), or C += A · B. Computing a part of a product gives the same bits as
/// computing the whole product.
template <class T>
struct Product {
  Index m = 0, n = 0, k = 0;
  const T* a = nullptr;  ///< A(i,p) = a[i * a_row + p * a_col]
  Index a_row = 0, a_col = 1;
  const T* b = nullptr;
  Index b_row = 0;
  Layout b_layout = Layout::plain;
  T* c = nullptr;  ///< C(i,j) = c[i * c_row + j]
  Index c_row = 0;
  const T* bias = nullptr;  ///< (n), or null
  bool accumulate = false;
  /// Null, or the array (m, n), take_ownership[i * c_row + j], that only this thread writes after the product. During
  /// the product, this core takes ownership of the array's cache lines.
  T* take_ownership = nullptr;
};

/// Number of elements of scratch that a product with this k needs.
template <class T>
[[nodiscard]] std::size_t scratch_size(const KernelTable<T>& kernels, std::size_t k) noexcept;

/// Computes the product. From 2^20 multiply-adds on it polls, during the computation and at its end, except a product
/// with fewer columns than a vector has lanes and a transposed A. If a poll throws, C is partly computed.
/// \param scratch  scratch_size(kernels, p.k) elements that only this thread uses
template <class T>
void multiply(const KernelTable<T>& kernels, const Product<T>& p, T* scratch);

}  // namespace backpass::linalg

/// Products of matrices that are larger than a kernel's block: when to pack, and where.
#pragma once

#include <cstddef>

#include "kernels/kernel_table.hpp"

namespace backpass::linalg {

using kernels::Index;
using kernels::KernelTable;

/// How B (k, n) lies in memory.
enum class Layout : unsigned char {
  plain,       ///< B(k,n) = b[k * b_row + n]
  transposed,  ///< B(k,n) = b[n * b_row + k]
};

/// C (m, n) = A (m, k) · B (k, n) + bias (n), or C += A · B. Any part of a product is computed with the same bits as
/// the whole.
template <class T>
struct Product {
  Index m = 0, n = 0, k = 0;
  const T* a = nullptr;  ///< A(m,k) = a[m * a_row + k * a_col]
  Index a_row = 0, a_col = 1;
  const T* b = nullptr;
  Index b_row = 0;
  Layout b_layout = Layout::plain;
  T* c = nullptr;  ///< C(m,n) = c[m * c_row + n]
  Index c_row = 0;
  const T* bias = nullptr;  ///< (n), or null
  bool accumulate = false;
  T* claim = nullptr;  ///< null, or what this thread alone will write after the product, claim[m * c_row + n]: its
                       ///< lines are taken from other cores' caches meanwhile
};

/// Elements of scratch that a product with this k needs.
template <class T>
[[nodiscard]] std::size_t scratch_size(const KernelTable<T>& kernels, std::size_t k) noexcept;

/// A product of more than 2^20 multiply-adds polls, on its way and at its end; what a poll throws leaves C half done.
/// \param scratch  scratch_size(kernels, p.k) elements of this thread's own
template <class T>
void multiply(const KernelTable<T>& kernels, const Product<T>& p, T* scratch);

}  // namespace backpass::linalg

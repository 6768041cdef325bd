/// The functions that every instruction set provides: one table of function pointers per element type. isa_<name>.cpp
/// fills the tables, and dispatch.cpp selects one kernel set.
///
/// Kernels take raw pointers. They start no threads, allocate nothing and throw nothing. The result of an element never
/// depends on its position in a row, block or batch: full vectors and tails do the same operations in the same order.
/// The translation units of all instruction sets include this file, so it contains only plain data: no inline
/// functions, no STL.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <backpass/activation_kind.hpp>
#include <backpass/loss_list.hpp>

#include "kernels/update_inl.hpp"

namespace backpass::kernels {

using Index = ptrdiff_t;

/// A matrix that gemm() prefetches into the second-level cache during a product, in blocks of (panel_cols, panel_cols)
/// elements. Row r of block i begins at src[i * block_stride + r * row_stride].
template <class T>
struct Prefetch {
  const T* src = nullptr;
  Index block_stride = 0, row_stride = 0;
  Index num_blocks = 0;
  Index blocks_per_tile = 0;  ///< at most k / panel_cols; 0: no prefetching
};

/// C (m, n) = (accumulate ? C : 0) + A (m, k) B (k, n), then + bias (n). Every element is one chain of multiply-adds
/// (fused if the instruction set has them) with k in order, for every shape. So a part of a product has the bits of the
/// whole product.
template <class T>
struct Product {
  Index m = 0, n = 0, k = 0;
  const T* a = nullptr;  ///< A (m, k): A(i,p) = a[i * a_row + p * a_col]
  Index a_row = 0, a_col = 1;
  const T* b = nullptr;  ///< B (k, n): B(p,j) = b[p * b_row + j]
  Index b_row = 0;
  T* c = nullptr;  ///< C (m, n): C(i,j) = c[i * c_row + j]
  Index c_row = 0;
  const T* bias = nullptr;  ///< (n), or null
  bool accumulate = false;
  /// gemm() only: null, or the array (m, n), take_ownership[i * c_row + j], that this core writes after the
  /// product. During the product, gemm() takes ownership of the array's cache lines.
  T* take_ownership = nullptr;
  Prefetch<T> prefetch = {};  ///< gemm() only
};

/// Identifies one row of a dropout mask. The mask is a pure function of this key and the column j: word j % 4 of
/// Philox4x32-10 with key (seed low, seed high) and counter (j / 4, row, stream low, stream high).
struct DropoutKey {
  uint64_t seed;
  uint64_t stream;
  uint32_t row;
};

/// The loss e(s) of one row. A closed form takes s = z^N. Every other kernel takes s = a^N.
#define BACKPASS_KERNEL(name, ...) name,
enum class LossKernel : unsigned char {
  BACKPASS_LOSSES(BACKPASS_KERNEL) BACKPASS_CLOSED_FORM_KERNELS(BACKPASS_KERNEL) size
};
#undef BACKPASS_KERNEL
inline constexpr int kLossKernels = static_cast<int>(LossKernel::size);

template <class T>
struct KernelTable {
  int lanes;         ///< elements per vector
  int tile_rows;     ///< rows of gemm's register tile
  Index panel_cols;  ///< columns of gemm's register tile, and of a panel of B

  void (*gemm)(const Product<T>& product);
  /// Gives the same bits as gemm, but reads B once in memory order: for few rows and a B larger than the caches.
  void (*gemm_few_rows)(const Product<T>& product);
  /// c (n) = a (k) B (k, n) + bias (n), with the bits of gemm, for a B in the first-level cache. bias may be null.
  void (*multiply_row)(Index k, Index n, const T* a, const T* b, const T* bias, T* c);
  /// Packs B (k, n), n <= panel_cols, B(p,j) = b[p * b_row + j], into a panel (k, panel_cols), padded with zeros.
  void (*pack)(Index k, Index n, const T* b, Index b_row, T* packed);
  /// Packs the same panel from the transpose of B: B(p,j) = bt[j * bt_row + p].
  void (*pack_transposed)(Index k, Index n, const T* bt, Index bt_row, T* packed);

  /// a[i] = φ(z[i]) for i < n; a may be z. Indexed by ActivationKind; elementwise activations only.
  void (*activate[kElementwiseActivations])(Index n, T parameter, const T* z, T* a);
  /// g[i] *= φ'(…) for i < n, from the quantity that stored_for(kind) names (kernels/stored.hpp): a or z.
  void (*activate_gradient[kElementwiseActivations])(Index n, T parameter, const T* stored, T* g);
  /// One row of n elements. The order of the sums depends only on n.
  void (*softmax)(Index n, const T* z, T* a);
  void (*log_softmax)(Index n, const T* z, T* a);
  /// One row of n elements, g = J^T g: g = a ⊙ (g − Σ g a) for softmax, and g = g − e^a Σ g for log_softmax.
  void (*softmax_gradient)(Index n, const T* a, T* g);
  void (*log_softmax_gradient)(Index n, const T* a, T* g);

  /// One row of n elements. Returns Σ_k e_k. If g is not null, writes g_k = scale · ∂(Σ_j e_j)/∂s_k. The target is y
  /// (n), or a class label if y is null (only for the losses that take labels). g may be s.
  double (*loss[kLossKernels])(Index n, T parameter, const T* s, const T* y, Index label, T scale, T* g);

  /// out[j] = keep(j) ? in[j] * scale : 0, where keep(j) = (word(j) >= threshold); out may be in.
  void (*dropout)(Index n, const DropoutKey& key, uint32_t threshold, T scale, const T* in, T* out);

  double (*sum_squares)(Index n, const T* x);                  ///< Σ x² in an order that depends only on n
  void (*add)(Index n, const T* x, T* y);                      ///< y += x
  void (*scale)(Index n, T s, T* x);                           ///< x *= s
  void (*clamp)(Index n, T limit, T* x);                       ///< clamps x to [−limit, limit]; NaN stays NaN
  void (*add_penalty)(Index n, T l1, T l2, const T* w, T* g);  ///< g += l1 sign(w) + l2 w

  /// Takes ownership of the cache lines of x for this core, many at the same time: rewrites one element per line with
  /// its own value.
  void (*take_ownership)(Index n, T* x);
  UpdateKernels<T> update;  ///< optimizers
};

struct KernelSet {
  const char* name;
  uint32_t features;  ///< bits of kernels/cpu_features.hpp that a CPU must have to run this set
  KernelTable<float> f32;
  KernelTable<double> f64;
};

}  // namespace backpass::kernels

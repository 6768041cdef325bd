/// What every instruction set provides: one table of functions a type, filled by isa_<name>.cpp, chosen once by
/// dispatch.cpp.
///
/// Kernels see raw pointers. They start no threads, allocate nothing, throw nothing. An element's result never depends
/// on where in a row, block or batch it stands: full vectors and tails do the same operations in the same order.
/// This file is seen by every instruction set's translation unit: only plain data here, no inline functions, no STL.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <backpass/activation_kind.hpp>

#include "kernels/update_kernels.hpp"

namespace backpass::kernels {

using Index = ptrdiff_t;

/// A matrix that a product fetches into the second-level cache meanwhile, in squares of panel_cols × panel_cols
/// elements: row r of square s is from[s * square + r * row].
template <class T>
struct Ahead {
  const T* from = nullptr;
  Index square = 0, row = 0;
  Index squares = 0;
  Index share = 0;  ///< squares that come with a tile, at most k / panel_cols of them; 0: nothing is fetched
};

/// C(m,n) = (accumulate ? C : 0) + Σ_k A(m,k) B(k,n), then + bias(n): for every element ONE chain of (fused, where the
/// set has it) multiply-adds with k in order, whatever the shape.
template <class T>
struct GemmArgs {
  Index m, n, k;
  const T* a;  ///< A(m,k) = a[m * a_row + k * a_col]
  Index a_row, a_col;
  const T* b;  ///< B(k,n) = b[k * b_row + n]
  Index b_row;
  T* c;  ///< C(m,n) = c[m * c_row + n]
  Index c_row;
  const T* bias = nullptr;  ///< (n), or null
  bool accumulate = false;
  /// gemm() only: what will be written next, claim[m * c_row + n]; its lines become this core's meanwhile.
  T* claim = nullptr;
  Ahead<T> ahead = {};  ///< gemm() only
};

/// Names one row of a dropout mask. The mask is a pure function of it and of the column: Philox4x32-10 with key
/// (seed low, seed high) and counter (column / 4, row, stream low, stream high), word column % 4.
struct DropoutKey {
  uint64_t seed;
  uint64_t stream;
  uint32_t row;
};

/// e(s) a row; s is a^N for the first group, z^N for the second.
enum class LossKernel : unsigned char {
  mse,
  mae,
  huber,  // parameter: delta
  log_cosh,
  quantile,               // parameter: q
  cross_entropy,          // parameter: label smoothing; of probabilities
  binary_cross_entropy,   // of probabilities
  poisson,                // of the rate
  softmax_cross_entropy,  // parameter: label smoothing
  sigmoid_cross_entropy,
  poisson_exp,       // a = e^z
  poisson_softplus,  // a = softplus(z)
};
inline constexpr int kLossKernels = static_cast<int>(LossKernel::poisson_softplus) + 1;

template <class T>
struct KernelTable {
  int lanes;         ///< elements of a vector
  int tile_rows;     ///< rows of gemm's register tile
  Index panel_cols;  ///< columns of gemm's register tile: B is read in panels of so many

  void (*gemm)(const GemmArgs<T>& args);
  /// The same bits with B read once in memory order: for few rows and a B larger than the caches.
  void (*stream)(const GemmArgs<T>& args);
  /// Packs B (k, n), n <= panel_cols, B(k,n) = b[k * b_row + n], into a panel of (k, panel_cols), padded with zeros.
  void (*pack)(Index k, Index n, const T* b, Index b_row, T* packed);
  /// The same from the transpose: B(k,n) = bt[n * bt_row + k].
  void (*pack_transposed)(Index k, Index n, const T* bt, Index bt_row, T* packed);

  /// a[i] = φ(z[i]); a may be z. By ActivationKind, elementwise ones only.
  void (*activate[kElementwiseActivations])(Index n, T parameter, const T* z, T* a);
  /// g[i] *= φ'(…), from what stored_for(kind) (kernels/stored.hpp) says: a or z.
  void (*activate_gradient[kElementwiseActivations])(Index n, T parameter, const T* stored, T* g);
  /// One row. Sums run in an order that depends on n alone.
  void (*softmax)(Index n, const T* z, T* a);
  void (*log_softmax)(Index n, const T* z, T* a);
  /// One row, the Jacobian's product: g = a ⊙ (g − Σ g a), and g = g − e^a Σ g.
  void (*softmax_gradient)(Index n, const T* a, T* g);
  void (*log_softmax_gradient)(Index n, const T* a, T* g);

  /// One row: returns Σ_k e_k, and writes g_k = scale · ∂(Σ_k e_k)/∂s_k when g is not null. The target is y (n), or
  /// a class label when y is null (label-taking kernels only). g may be s.
  double (*loss[kLossKernels])(Index n, T parameter, const T* s, const T* y, Index label, T scale, T* g);

  /// out[j] = keep(j) ? in[j] * scale : 0, where keep(j) is word(j) >= threshold; out may be in.
  void (*dropout)(Index n, const DropoutKey& key, uint32_t threshold, T scale, const T* in, T* out);

  double (*sum_squares)(Index n, const T* x);                  ///< in an order that depends on n alone
  void (*add)(Index n, const T* x, T* y);                      ///< y += x
  void (*scale)(Index n, T s, T* x);                           ///< x *= s
  void (*clamp)(Index n, T limit, T* x);                       ///< x into [−limit, limit]; NaN stays
  void (*add_penalty)(Index n, T l1, T l2, const T* w, T* g);  ///< g += l1 sign(w) + l2 w

  /// Writes x as it is: its cache lines become this core's own, many of them at a time.
  void (*claim)(Index n, T* x);
  UpdateKernels<T> update;  ///< optimizers

  /// The vector functions themselves, for tests: y[i] = f(x[i]).
  void (*exp)(Index n, const T* x, T* y);
  void (*log)(Index n, const T* x, T* y);
  void (*tanh)(Index n, const T* x, T* y);
  void (*erf)(Index n, const T* x, T* y);
  void (*sin)(Index n, const T* x, T* y);
};

struct KernelSet {
  const char* name;
  uint32_t features;  ///< of kernels/cpu_features.hpp: what a CPU must have to run the set
  KernelTable<float> f32;
  KernelTable<double> f64;
};

}  // namespace backpass::kernels

/// Matrix products that read B in memory order, for few rows of A and a B larger than the caches.
#pragma once

#include "base/hardware.hpp"
#include "kernels/gemm_inl.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

/// Number of rows of B that one pass of gemm_few_rows() reads side by side. Each row is read in memory order, which the
/// hardware prefetchers follow. 1 to 16 rows and 1 to 8 vectors were measured: 8 rows and 2 vectors are the fastest
/// (docs/tuning.md).
inline constexpr int kRowsOfB = 8;

/// Adds Depth terms of each chain to the next Vectors · kLanes columns of C: C (m, columns) += A (m, Depth) B (Depth,
/// columns). `a` and `c` are the first elements of A and C. With Partial, the last vector has only `last` columns.
/// With OneRow (m = 1), A is in the registers `one`, and every multiply-add loads its operand of B from memory: fewer
/// instructions per cache line of B let the out-of-order window keep more loads in flight. For this reason `b` holds
/// one pointer per four rows: these pointers and the offsets of the other rows fit the integer registers. b_row is a
/// copy of g.b_row, which the compiler would load again after every store.
template <class T, int Depth, int Vectors, bool Partial, bool OneRow>
BP_INLINE void few_rows_columns(const Product<T>& g, const T* a, const Vec<T> (&one)[Depth],
                                const T* const (&b)[(Depth + 3) / 4], Index b_row, T* c, Index last) {
  constexpr int kL = kLanes<T>;
  const auto load_cols = [last](const T* p, int v) __attribute__((always_inline)) {
    return Partial && v == Vectors - 1 ? load_partial(p + v * kL, last) : load<T>(p + v * kL);
  };
  const auto term = [&](int k, int v) __attribute__((always_inline)) { return load_cols(b[k / 4] + k % 4 * b_row, v); };
  [[maybe_unused]] Vec<T> bk[Depth][Vectors];
  if constexpr (!OneRow) {
    BP_UNROLL
    for (int k = 0; k < Depth; ++k) {
      BP_UNROLL
      for (int v = 0; v < Vectors; ++v) {
        bk[k][v] = term(k, v);
      }
    }
  }
  const Index rows = OneRow ? 1 : g.m;
  for (Index r = 0; r < rows; ++r) {
    Vec<T> sum[Vectors];
    BP_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      sum[v] = load_cols(c, v);
    }
    BP_UNROLL
    for (int k = 0; k < Depth; ++k) {
      const Vec<T> ak = OneRow ? one[k] : broadcast(a[k * g.a_col]);
      BP_UNROLL
      for (int v = 0; v < Vectors; ++v) {
        sum[v] = fma(ak, OneRow ? term(k, v) : bk[k][v], sum[v]);
      }
    }
    BP_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      if (Partial && v == Vectors - 1) {
        store_partial(c + v * kL, sum[v], last);
      } else {
        store<T>(c + v * kL, sum[v]);
      }
    }
    a += g.a_row;
    c += g.c_row;
  }
}

/// C (m, cols) += A (m, Depth) B (Depth, cols): adds Depth terms of each chain. `a` and `first` are the first elements
/// of A and B.
template <class T, int Depth, bool OneRow>
void few_rows_terms(const Product<T>& g, const T* a, const T* first, T* c, Index cols) {
  constexpr Index kL = kLanes<T>;
  constexpr int kVectors = 2;  // see kRowsOfB
  const Index b_row = g.b_row;
  Vec<T> one[Depth] = {};
  BP_UNROLL
  for (int k = 0; OneRow && k < Depth; ++k) {
    one[k] = broadcast(a[k * g.a_col]);
  }
  const T* b[(Depth + 3) / 4];
  BP_UNROLL
  for (int i = 0; 4 * i < Depth; ++i) {
    b[i] = first + 4 * i * g.b_row;
  }
  const auto advance = [&](Index done) __attribute__((always_inline)) {
    BP_UNROLL
    for (const T*& row : b) {
      row += done;
    }
    c += done;
    cols -= done;
  };
  while (cols >= kVectors * kL) {
    few_rows_columns<T, Depth, kVectors, false, OneRow>(g, a, one, b, b_row, c, kL);
    advance(kVectors * kL);
  }
  while (cols > 0) {
    few_rows_columns<T, Depth, 1, true, OneRow>(g, a, one, b, b_row, c, cols < kL ? cols : kL);
    advance(kL);
  }
}

/// C is computed in ranges of columns. A range has at most kFewRowsBytes bytes of C, which stay in the first-level
/// cache, but at least kFewRowsRun bytes in every row: 16 cache lines, so that the hardware prefetchers find a run.
inline constexpr Index kFewRowsBytes = hardware::kL1 / 2;
inline constexpr Index kFewRowsRun = 1024;

/// The same product as gemm(), bit for bit, but B is read once and in memory order: C holds the partial sums between
/// kRowsOfB rows of B and the next. For few rows of A and a B that is not packed and is larger than the caches.
template <class T>
void gemm_few_rows(const Product<T>& g) {
  if (g.m == 0) {
    return;
  }
  const auto side_by_side = g.m == 1 ? few_rows_terms<T, kRowsOfB, true> : few_rows_terms<T, kRowsOfB, false>;
  const Index fitting = kFewRowsBytes / g.m > kFewRowsRun ? kFewRowsBytes / g.m : kFewRowsRun;
  const Index width = fitting / static_cast<Index>(sizeof(T)) / kPanelCols<T> * kPanelCols<T>;
  for (Index col = 0; col < g.n; col += width) {
    const Index cols = g.n - col < width ? g.n - col : width;
    const T* const b = g.b + col;
    T* const c = g.c + col;
    for (Index r = 0; !g.accumulate && r < g.m; ++r) {
      for (Index n = 0; n < cols; ++n) {
        c[r * g.c_row + n] = 0;
      }
    }
    Index k = 0;
    for (; k + kRowsOfB <= g.k; k += kRowsOfB) {
      side_by_side(g, g.a + k * g.a_col, b + k * g.b_row, c, cols);
    }
    for (; k < g.k; ++k) {
      few_rows_terms<T, 1, false>(g, g.a + k * g.a_col, b + k * g.b_row, c, cols);
    }
    for (Index r = 0; g.bias != nullptr && r < g.m; ++r) {
      for (Index n = 0; n < cols; ++n) {
        c[r * g.c_row + n] += g.bias[col + n];
      }
    }
  }
}

template <class T>
constexpr void add_gemm_few_rows_kernel(KernelTable<T>& t) {
  t.gemm_few_rows = gemm_few_rows<T>;
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

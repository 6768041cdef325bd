/// Matrix products in the order in which B lies in memory, for few rows of A and a B larger than the caches.
#pragma once

#include "kernels/gemm_inl.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

/// Rows of B that a pass of stream() reads side by side: each in memory order, which is what the prefetchers follow.
inline constexpr int kStreams = 8;

/// Columns [col, col + Vectors · lanes) of C += Depth terms of the chain. Partial: the last vector has only `last`.
template <class T, int Depth, int Vectors, bool Partial>
BP_INLINE void stream_columns(const GemmArgs<T>& g, const T* a, const T* b, T* c, bool starts, const T* bias,
                              Index last) {
  constexpr int kL = kLanes<T>;
  const auto load_cols = [last](const T* p, int v) __attribute__((always_inline)) {
    return Partial && v == Vectors - 1 ? load_partial(p + v * kL, last) : load<T>(p + v * kL);
  };
  Vec<T> bk[Depth][Vectors];
  BP_UNROLL
  for (int k = 0; k < Depth; ++k) {
    BP_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      bk[k][v] = load_cols(b + k * g.b_row, v);
    }
  }
  if (g.far) {  // the hardware asks for what follows in a row, and stops at the end of every page
    fetch_lines<Vectors * kL>(b + Depth * g.b_row, Depth, g.b_row);
  }
  for (Index r = 0; r < g.m; ++r) {
    Vec<T> sum[Vectors];
    BP_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      sum[v] = starts ? Vec<T>{} : load_cols(c, v);
    }
    BP_UNROLL
    for (int k = 0; k < Depth; ++k) {
      const Vec<T> ak = broadcast(a[k * g.a_col]);
      BP_UNROLL
      for (int v = 0; v < Vectors; ++v) {
        sum[v] = fma(ak, bk[k][v], sum[v]);
      }
    }
    BP_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      if (bias != nullptr) {
        sum[v] += load_cols(bias, v);
      }
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

/// Columns [col, end).
template <class T, int Depth>
void stream_rows(const GemmArgs<T>& g, Index k, Index col, Index end) {
  constexpr Index kL = kLanes<T>;
  const bool starts = k == 0 && !g.accumulate;
  const T* const bias = k + Depth == g.k ? g.bias : nullptr;
  const T* const a = g.a + k * g.a_col;
  const T* const b = g.b + k * g.b_row;
  const auto bias_at = [bias](Index n) { return bias == nullptr ? nullptr : bias + n; };
  for (; col + 2 * kL <= end; col += 2 * kL) {
    stream_columns<T, Depth, 2, false>(g, a, b + col, g.c + col, starts, bias_at(col), kL);
  }
  for (; col < end; col += kL) {
    stream_columns<T, Depth, 1, true>(g, a, b + col, g.c + col, starts, bias_at(col), end - col < kL ? end - col : kL);
  }
}

/// Bytes of C that wait in the first-level cache, and the least run of a row of B.
inline constexpr Index kStreamBytes = 16384;
inline constexpr Index kStreamRun = 1024;

/// The same product in the order in which B lies in memory, which is read once: the chains wait in C between a few rows
/// of B and the next. For few rows of A and a B, not packed, that is larger than the caches.
template <class T>
void stream(const GemmArgs<T>& g) {
  if (g.k == 0 || g.m == 0) {
    gemm(g);
    return;
  }
  const Index fitting = kStreamBytes / g.m > kStreamRun ? kStreamBytes / g.m : kStreamRun;
  const Index width = fitting / static_cast<Index>(sizeof(T)) / kPanelCols<T> * kPanelCols<T>;
  for (Index col = 0; col < g.n; col += width) {
    const Index end = g.n - col < width ? g.n : col + width;
    Index k = 0;
    for (; k + kStreams <= g.k; k += kStreams) {
      stream_rows<T, kStreams>(g, k, col, end);
    }
    for (; k < g.k; ++k) {
      stream_rows<T, 1>(g, k, col, end);
    }
  }
}

template <class T>
constexpr void add_stream_kernel(KernelTable<T>& t) {
  t.stream = stream<T>;
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

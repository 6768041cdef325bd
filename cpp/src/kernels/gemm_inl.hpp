/// Matrix products: a register tile, and the loops around it within one block.
///
/// The tile holds kTileRows × kTileVectors accumulators. A core that starts F multiply-adds a cycle of latency L needs
/// F · L of them in flight (Zen 4, 512 bit: 1 · 4; 256 bit: 2 · 4); more of them save loads: a step in k costs
/// kTileVectors vector loads and kTileRows broadcasts for kTileRows · kTileVectors multiply-adds. 32 registers hold 12
/// × 2 with room for the operands, 16 registers 6 × 2 (4 × 2 where the product needs a register of its own, without
/// fused multiply-add).
#pragma once

#include "kernels/vec.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

#if defined(__AVX512F__) || defined(__ARM_NEON)
inline constexpr int kTileRows = 12;
#elif defined(__AVX2__)
inline constexpr int kTileRows = 6;
#else
inline constexpr int kTileRows = 4;
#endif
inline constexpr int kTileVectors = 2;
template <class T>
inline constexpr Index kPanelCols = kTileVectors * kLanes<T>;

/// How a run of columns ends: with whole vectors, or with some lanes of one more, or of half a one.
enum class Tail : unsigned char { none, vector, half };
template <class T, Tail kTail>
struct TailOf {
  using Type = Vec<T>;
};
template <class T>
struct TailOf<T, Tail::half> {
  using Type = Half<T>;
};

/// Rows × (Whole · lanes + last) elements of C, k in order; `last` columns are the tail.
template <class T, int Rows, int Whole, Tail kTail>
BP_INLINE void tile(const GemmArgs<T>& g, const T* a, const T* b, T* c, const T* bias, Index last) {
  constexpr int kL = kLanes<T>;
  constexpr bool kHalf = kTail == Tail::half;
  constexpr int kWhole = Whole > 0 ? Whole : 1;  // for arrays, which have at least one element
  using TailVec = typename TailOf<T, kTail>::Type;
  const auto load_tail = [last](const T* p) __attribute__((always_inline)) {
    if constexpr (kHalf) {
      return load_half(p + Whole * kL, last);
    } else {
      return load_partial(p + Whole * kL, last);
    }
  };
  Vec<T> sum[Rows][kWhole];
  TailVec tail[Rows];
  BP_UNROLL
  for (int r = 0; r < Rows; ++r) {
    const T* const row = c + r * g.c_row;
    BP_UNROLL
    for (int v = 0; v < Whole; ++v) {
      sum[r][v] = g.accumulate ? load<T>(row + v * kL) : Vec<T>{};
    }
    if constexpr (kTail != Tail::none) {
      tail[r] = g.accumulate ? load_tail(row) : TailVec{};
    }
  }
  // A pointer to every fourth row: with one row and three as offsets, all addresses fit the integer registers.
  constexpr int kBases = (Rows + 3) / 4;
  const T* base[kBases];
  BP_UNROLL
  for (int i = 0; i < kBases; ++i) {
    base[i] = a + 4 * i * g.a_row;
  }
  for (Index k = 0; k < g.k; ++k) {
    Vec<T> bk[kWhole];
    BP_UNROLL
    for (int v = 0; v < Whole; ++v) {
      bk[v] = load<T>(b + v * kL);
    }
    [[maybe_unused]] TailVec bk_tail;
    if constexpr (kTail != Tail::none) {
      bk_tail = load_tail(b);
    }
    BP_UNROLL
    for (int r = 0; r < Rows; ++r) {
      const T a_rk = base[r / 4][r % 4 * g.a_row];
      BP_UNROLL
      for (int v = 0; v < Whole; ++v) {
        sum[r][v] = fma(broadcast(a_rk), bk[v], sum[r][v]);
      }
      if constexpr (kHalf && Whole == 0) {
        tail[r] = fma(a_rk - TailVec{}, bk_tail, tail[r]);  // a broadcast of its own takes half as long
      } else if constexpr (kHalf) {
        tail[r] = fma(first_half(broadcast(a_rk)), bk_tail, tail[r]);
      } else if constexpr (kTail == Tail::vector) {
        tail[r] = fma(broadcast(a_rk), bk_tail, tail[r]);
      }
    }
    BP_UNROLL
    for (int i = 0; i < kBases; ++i) {
      base[i] += g.a_col;
    }
    b += g.b_row;
  }
  if (bias != nullptr) {
    BP_UNROLL
    for (int r = 0; r < Rows; ++r) {
      BP_UNROLL
      for (int v = 0; v < Whole; ++v) {
        sum[r][v] += load<T>(bias + v * kL);
      }
      if constexpr (kTail != Tail::none) {
        tail[r] += load_tail(bias);
      }
    }
  }
  BP_UNROLL
  for (int r = 0; r < Rows; ++r) {
    T* const row = c + r * g.c_row;
    BP_UNROLL
    for (int v = 0; v < Whole; ++v) {
      store<T>(row + v * kL, sum[r][v]);
    }
    if constexpr (kTail != Tail::none) {
      store_partial(row + Whole * kL, tail[r], last);
    }
  }
}

/// All rows of one run of columns: full tiles, then one tile of the rows that are left.
template <class T, int Rows, int Whole, Tail kTail>
BP_INLINE void remaining_rows(const GemmArgs<T>& g, Index rows, const T* a, const T* b, T* c, const T* bias,
                              Index last) {
  if constexpr (Rows > 0) {
    if (rows == Rows) {
      tile<T, Rows, Whole, kTail>(g, a, b, c, bias, last);
    } else {
      remaining_rows<T, Rows - 1, Whole, kTail>(g, rows, a, b, c, bias, last);
    }
  }
}

template <class T, int MaxRows, int Whole, Tail kTail>
void columns(const GemmArgs<T>& g, const T* b, T* c, const T* bias, Index last) {
  const T* a = g.a;
  Index rows = g.m;
  for (; rows >= MaxRows; rows -= MaxRows) {
    tile<T, MaxRows, Whole, kTail>(g, a, b, c, bias, last);
    a += MaxRows * g.a_row;
    c += MaxRows * g.c_row;
  }
  remaining_rows<T, MaxRows - 1, Whole, kTail>(g, rows, a, b, c, bias, last);
}

/// Whole vectors and a tail of `last` columns.
template <class T, int Whole>
BP_INLINE void columns_and_tail(const GemmArgs<T>& g, Index last, const T* b, T* c, const T* bias) {
  if constexpr (kHasHalf) {
    if (last <= kLanes<T> / 2) {
      columns<T, kTileRows, Whole, Tail::half>(g, b, c, bias, last);
      return;
    }
  }
  columns<T, kTileRows, Whole, Tail::vector>(g, b, c, bias, last);
}

/// One panel, or what of it there is.
template <class T>
BP_INLINE void panel(const GemmArgs<T>& g, Index cols, const T* b, T* c, const T* bias) {
  constexpr Index kL = kLanes<T>;
  static_assert(kTileVectors == 2);
  if (cols == 2 * kL) {
    columns<T, kTileRows, 2, Tail::none>(g, b, c, bias, 0);
  } else if (cols > kL) {
    columns_and_tail<T, 1>(g, cols - kL, b, c, bias);
  } else if (cols == kL) {
    columns<T, kTileRows, 1, Tail::none>(g, b, c, bias, 0);
  } else {
    columns_and_tail<T, 0>(g, cols, b, c, bias);
  }
}

/// Few rows leave most accumulators of the tile idle; columns take their place. Only for B unpacked.
#if defined(__AVX512F__) || defined(__ARM_NEON)
inline constexpr Index kWideRows = 3;
inline constexpr int kWideVectors = 8;
#else
inline constexpr Index kWideRows = 2;
inline constexpr int kWideVectors = 6;
#endif

template <class T>
void gemm(const GemmArgs<T>& g) {
  constexpr Index kPanel = kPanelCols<T>;
  constexpr Index kWide = kWideVectors * kLanes<T>;
  Index n = 0;
  const auto bias_at = [&](Index col) { return g.bias == nullptr ? nullptr : g.bias + col; };
  if (g.m <= kWideRows && g.b_panel == kPanel) {
    for (; n + kWide <= g.n; n += kWide) {
      columns<T, static_cast<int>(kWideRows), kWideVectors, Tail::none>(g, g.b + n, g.c + n, bias_at(n), 0);
    }
  }
  for (; n < g.n; n += kPanel) {
    const Index cols = g.n - n < kPanel ? g.n - n : kPanel;
    panel(g, cols, g.b + n / kPanel * g.b_panel, g.c + n, bias_at(n));
  }
}

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
constexpr void add_gemm_kernels(KernelTable<T>& t) {
  t.tile_rows = kTileRows;
  t.panel_cols = kPanelCols<T>;
  t.gemm = gemm<T>;
  t.stream = stream<T>;
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

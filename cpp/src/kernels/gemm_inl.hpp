/// Matrix products C = A B: the register tile, and the loops over the tiles of one block.
///
/// A chain is a sequence of dependent multiply-adds into one accumulator, which is a vector of elements of C. The tile
/// keeps kTileRows × kTileVectors accumulators in registers. A core that starts F multiply-adds per cycle with latency
/// L needs F · L chains (Zen 4: 1 · 4 with 512 bits, 2 · 4 with 256 bits). A larger tile also needs fewer loads: one
/// step in k takes kTileVectors vector loads and kTileRows broadcasts for kTileRows · kTileVectors multiply-adds. 32
/// registers hold 12 × 2 accumulators and the operands. 16 registers hold 6 × 2, or 4 × 2 without fused multiply-add,
/// because the product then needs its own register.
#pragma once

#include "kernels/prefetch_inl.hpp"
#include "kernels/vec.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

inline constexpr int kTileRows = kRegisters == 32 ? 12 : kFused ? 6 : 4;
/// Rows of a tile that is one vector wide. 6 chains would not fill two multiply-add units of latency 4.
inline constexpr int kNarrowTileRows = kFused ? 12 : kTileRows;
inline constexpr int kTileVectors = 2;
template <class T>
inline constexpr Index kPanelCols = kTileVectors * kLanes<T>;

/// How a range of columns ends: with a whole vector, with a partial vector, or with a partial half vector.
enum class Tail : unsigned char { none, vector, half };
template <class T, Tail kTail>
struct TailOf {
  using Type = Vec<T>;
};
template <class T>
struct TailOf<T, Tail::half> {
  using Type = Half<T>;
};

/// Computes one tile of C with k in order: C (Rows, columns) from A (Rows, k) and B (k, columns). The tile has Whole ·
/// kLanes + last columns; the `last` columns are the tail. `bias` (columns) may be null.
/// With kPrefetches, the tile also prefetches `num_blocks` blocks of the next matrix, from `next` on: one row of a
/// block every `terms` steps of k.
template <class T, int Rows, int Whole, Tail kTail, bool kPrefetches = false>
BP_INLINE void tile(const Product<T>& g, const T* a, const T* b, T* c, const T* bias, Index last,
                    const T* next = nullptr, Index num_blocks = 0) {
  constexpr int kL = kLanes<T>;
  constexpr bool kHalf = kTail == Tail::half;
  constexpr int kWhole = Whole > 0 ? Whole : 1;  // an array needs at least one element
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
  // One base pointer per four rows. The other three rows are 1, 2 and 3 times a_row away, so all addresses fit the
  // integer registers.
  constexpr int kBases = (Rows + 3) / 4;
  const T* base[kBases];
  BP_UNROLL
  for (int i = 0; i < kBases; ++i) {
    base[i] = a + 4 * i * g.a_row;
  }
  constexpr Index kPanel = kPanelCols<T>;
  Index terms = kPrefetches ? g.k / (num_blocks * kPanel) : g.k;  // steps of k per prefetched row
  for (Index k = 0, fetched = 0; k < g.k; k += terms) {
    if (kPrefetches && num_blocks > 0) {
      prefetch_lines<kPanel>(next + fetched * g.prefetch.row_stride, 1, 0);
      if (++fetched == kPanel) {
        fetched = 0;
        next += g.prefetch.block_stride;
        --num_blocks;
      }
    } else {
      terms = g.k - k;
    }
    for (Index term = 0; term < terms; ++term) {
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
          tail[r] = fma(a_rk - TailVec{}, bk_tail, tail[r]);  // broadcasts to half a vector, in half the time
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

/// Computes one tile of `rows` <= Rows rows with the tile() that is compiled for this number of rows. The other
/// parameters are those of tile().
template <class T, int Rows, int Whole, Tail kTail>
BP_INLINE void remaining_rows(const Product<T>& g, Index rows, const T* a, const T* b, T* c, const T* bias,
                              Index last) {
  if constexpr (Rows > 0) {
    if (rows == Rows) {
      tile<T, Rows, Whole, kTail>(g, a, b, c, bias, last);
    } else {
      remaining_rows<T, Rows - 1, Whole, kTail>(g, rows, a, b, c, bias, last);
    }
  }
}

/// Number of chains that keep the multiply-add units of x86 cores busy: two units of latency 4.
inline constexpr int kBusyChains = 8;

/// From this k on, computing a tile takes longer than fetching the next tile of C, so columns() prefetches that tile.
/// 128 terms of 12 × 2 vectors are 3072 multiply-adds of vectors, 1500 cycles with two units; a cache line from main
/// memory takes about 500 cycles.
inline constexpr Index kLongChain = 128;

/// Computes all rows of one range of columns: tiles of MaxRows rows, then one tile with the remaining rows. If that
/// last tile would have fewer than kBusyChains chains, the last MaxRows + rest rows form two tiles of similar height.
/// \param b     B (k, columns), with row stride g.b_row
/// \param c     C (m, columns), with row stride g.c_row
/// \param bias  (columns), or null
/// \param last  columns of the tail; 0 without a tail
template <class T, int MaxRows, int Whole, Tail kTail>
void columns(const Product<T>& g, const T* b, T* c, const T* bias, Index last) {
  constexpr int kCols = Whole > 0 ? Whole * kLanes<T> : 1;
  constexpr bool kPrefetches = Whole == kTileVectors && kTail == Tail::none;  // only tiles of a whole panel prefetch
  constexpr int kBusyRows = kBusyChains / (Whole + (kTail == Tail::none ? 0 : 1));
  constexpr Index kTwoWhole = MaxRows + (kBusyRows < MaxRows ? kBusyRows : MaxRows - 1);  // rows for two tiles
  const T* a = g.a;
  Index rows = g.m;
  const auto advance = [&](Index height) __attribute__((always_inline)) {
    a += height * g.a_row;
    c += height * g.c_row;
    rows -= height;
  };
  const T* next = g.prefetch.src;
  Index left = g.prefetch.num_blocks;
  while (rows == MaxRows || rows >= kTwoWhole) {
    if (g.k >= kLongChain) {  // prefetch the next tile of C
      prefetch_lines<kCols>(c + MaxRows * g.c_row, rows - MaxRows < MaxRows ? rows - MaxRows : MaxRows, g.c_row);
    }
    if (g.take_ownership != nullptr) {
      take_ownership_of_lines<kCols>(g.take_ownership + (c - g.c), MaxRows, g.c_row);
    }
    const Index num_blocks = g.prefetch.blocks_per_tile < left ? g.prefetch.blocks_per_tile : left;
    if (kPrefetches && num_blocks > 0) {
      tile<T, MaxRows, Whole, kTail, kPrefetches>(g, a, b, c, bias, last, next, num_blocks);
      next += num_blocks * g.prefetch.block_stride;
      left -= num_blocks;
    } else {
      tile<T, MaxRows, Whole, kTail>(g, a, b, c, bias, last);
    }
    advance(MaxRows);
  }
  while (rows > 0) {
    const Index height = rows > MaxRows ? rows / 2 : rows;
    remaining_rows<T, MaxRows - 1, Whole, kTail>(g, height, a, b, c, bias, last);
    advance(height);
  }
}

/// Computes Whole whole vectors of columns and a tail of `last` columns. The other parameters are those of columns().
template <class T, int Whole>
BP_INLINE void columns_and_tail(const Product<T>& g, Index last, const T* b, T* c, const T* bias) {
  constexpr int kRows = Whole == 0 ? kNarrowTileRows : kTileRows;
  if constexpr (kHasHalf) {
    if (last <= kLanes<T> / 2) {
      columns<T, kRows, Whole, Tail::half>(g, b, c, bias, last);
      return;
    }
  }
  columns<T, kRows, Whole, Tail::vector>(g, b, c, bias, last);
}

/// Computes one panel of `cols` <= kPanelCols columns. The other parameters are those of columns().
template <class T>
BP_INLINE void panel(const Product<T>& g, Index cols, const T* b, T* c, const T* bias) {
  constexpr Index kL = kLanes<T>;
  static_assert(kTileVectors == 2);
  if (cols == 2 * kL) {
    columns<T, kTileRows, 2, Tail::none>(g, b, c, bias, 0);
  } else if (cols > kL) {
    columns_and_tail<T, 1>(g, cols - kL, b, c, bias);
  } else if (cols == kL) {
    columns<T, kNarrowTileRows, 1, Tail::none>(g, b, c, bias, 0);
  } else {
    columns_and_tail<T, 0>(g, cols, b, c, bias);
  }
}

/// If C has at most kWideRows rows, a tile of kTileRows rows leaves most registers unused. The wide tile has fewer rows
/// and more columns: 3 × 8 vectors instead of 12 × 2, or 2 × 6 instead of 6 × 2.
inline constexpr Index kWideRows = kRegisters == 32 ? 3 : 2;
inline constexpr int kWideVectors = kRegisters == 32 ? 8 : 6;

template <class T>
void gemm(const Product<T>& g) {
  constexpr Index kPanel = kPanelCols<T>;
  constexpr Index kWide = kWideVectors * kLanes<T>;
  Index n = 0;
  const auto bias_at = [&](Index col) { return g.bias == nullptr ? nullptr : g.bias + col; };
  if (g.m <= kWideRows) {
    for (; n + kWide <= g.n; n += kWide) {
      columns<T, static_cast<int>(kWideRows), kWideVectors, Tail::none>(g, g.b + n, g.c + n, bias_at(n), 0);
    }
  }
  for (; n < g.n; n += kPanel) {
    const Index cols = g.n - n < kPanel ? g.n - n : kPanel;
    panel(g, cols, g.b + n, g.c + n, bias_at(n));
  }
}

/// Computes `vectors` < Vectors whole vectors of columns and a tail of `last` columns of one row in one tile. The other
/// parameters are those of columns(), with m = 1.
template <class T, int Vectors>
BP_INLINE void row_end(const Product<T>& g, Index vectors, Index last, const T* b, T* c, const T* bias) {
  if constexpr (Vectors > 0) {
    if (vectors < Vectors - 1) {
      row_end<T, Vectors - 1>(g, vectors, last, b, c, bias);
    } else if (last > 0) {
      tile<T, 1, Vectors - 1, Tail::vector>(g, g.a, b, c, bias, last);
    } else if constexpr (Vectors > 1) {
      tile<T, 1, Vectors - 1, Tail::none>(g, g.a, b, c, bias, 0);
    }
  }
}

/// KernelTable::multiply_row. A tile has as many vectors as possible, because every vector is one chain of k dependent
/// multiply-adds.
/// \param a     (k)
/// \param b     (k, n), row by row
/// \param bias  (n), or null
/// \param c     (n)
template <class T>
void multiply_row(Index k, Index n, const T* a, const T* b, const T* bias, T* c) {
  constexpr Index kL = kLanes<T>;
  constexpr int kVectors = kBusyChains;
  Product<T> g;
  g.k = k;
  g.a = a;
  g.a_col = 1;
  g.b_row = n;
  for (; n >= kVectors * kL; n -= kVectors * kL) {
    tile<T, 1, kVectors, Tail::none>(g, a, b, c, bias, 0);
    b += kVectors * kL;
    c += kVectors * kL;
    bias += bias == nullptr ? 0 : kVectors * kL;
  }
  row_end<T, kVectors>(g, n / kL, n % kL, b, c, bias);
}

template <class T>
constexpr void add_gemm_kernels(KernelTable<T>& t) {
  t.tile_rows = kTileRows;
  t.panel_cols = kPanelCols<T>;
  t.gemm = gemm<T>;
  t.multiply_row = multiply_row<T>;
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

/// Packing: copies a panel of B to consecutive cache lines, for a product that reads the panel many times.
#pragma once

#include "kernels/gemm_inl.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

/// KernelTable::pack.
/// \param b       B (k, n), row stride b_row
/// \param packed  (k, kPanelCols)
template <class T>
void pack(Index k, Index n, const T* b, Index b_row, T* packed) {
  for (Index i = 0; i < k; ++i) {
    for (Index v = 0; v < kPanelCols<T>; v += kLanes<T>) {
      const Index left = n - v;
      store<T>(packed + v, left >= kLanes<T> ? load<T>(b + v) : load_partial(b + v, left > 0 ? left : 0));
    }
    b += b_row;
    packed += kPanelCols<T>;
  }
}

/// Interleaves the lanes of a and b: a0 b0 a1 b1 …. `low` gets the lower half of this sequence, `high` the upper half.
template <class V, int Lanes>
BP_INLINE void interleave(V a, V b, V& low, V& high) {
  if constexpr (Lanes == 2) {
    low = __builtin_shufflevector(a, b, 0, 2);
    high = __builtin_shufflevector(a, b, 1, 3);
  } else if constexpr (Lanes == 4) {
    low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  } else if constexpr (Lanes == 8) {
    low = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
    high = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
  } else {
    static_assert(Lanes == 16);
    low = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    high = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  }
}

/// Transposes a block of kLanes × kLanes elements. Interleaving row i with row i + kLanes / 2 moves one bit of the row
/// index into the column index. After log2(kLanes) rounds, the two indices are exchanged.
template <class T>
BP_INLINE void transpose_block(Vec<T> (&rows)[kLanes<T>]) {
  constexpr int kL = kLanes<T>;
  for (int round = 1; round < kL; round *= 2) {
    Vec<T> mixed[kL];
    for (int i = 0; i < kL / 2; ++i) {
      interleave<Vec<T>, kL>(rows[i], rows[i + kL / 2], mixed[2 * i], mixed[2 * i + 1]);
    }
    for (int i = 0; i < kL; ++i) {
      rows[i] = mixed[i];
    }
  }
}

/// KernelTable::pack_transposed.
/// \param bt      the transpose of B, (n, k), row stride bt_row
/// \param packed  (k, kPanelCols)
template <class T>
void pack_transposed(Index k, Index n, const T* bt, Index bt_row, T* packed) {
  constexpr Index kL = kLanes<T>;
  constexpr Index kPanel = kPanelCols<T>;
  for (Index col = 0; col < kPanel; col += kL) {
    for (Index i = 0; i < k; i += kL) {
      const Index left = k - i < kL ? k - i : kL;
      Vec<T> block[kL];
      for (Index j = 0; j < kL; ++j) {
        const T* const from = bt + (col + j) * bt_row + i;
        block[j] = col + j >= n ? Vec<T>{} : left == kL ? load<T>(from) : load_partial(from, left);
      }
      transpose_block<T>(block);
      for (Index p = 0; p < left; ++p) {
        store<T>(packed + (i + p) * kPanel + col, block[p]);
      }
    }
  }
}

template <class T>
constexpr void add_pack_kernels(KernelTable<T>& t) {
  t.pack = pack<T>;
  t.pack_transposed = pack_transposed<T>;
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

/// Cache lines that are asked for before their turn.
#pragma once

#include "kernels/vec.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

template <class T>
inline constexpr int kLine = 64 / static_cast<int>(sizeof(T));

/// Runs of Cols elements in rows [0, Rows). Where they begin within a line, that line came with the run before: the
/// last element of every line's worth is asked for.
template <int Cols, class T>
BP_INLINE void fetch_lines(const T* p, ptrdiff_t rows, ptrdiff_t stride) {
  for (ptrdiff_t r = 0; r < rows; ++r) {
    for (int col = 0; col < Cols; col += kLine<T>) {
      __builtin_prefetch(p + r * stride + (col + kLine<T> < Cols ? col + kLine<T> : Cols) - 1, 0, 2);
    }
  }
}

/// The same for lines that other cores may hold as well and that are to be written: each is written at once, with what
/// it holds. The store waits for the line to be this core's alone while later instructions go on; a prefetch for
/// writing does not ask for a line that is already here, shared (Zen 4).
template <int Cols, class T>
BP_INLINE void claim_lines(T* p, ptrdiff_t rows, ptrdiff_t stride) {
  for (ptrdiff_t r = 0; r < rows; ++r) {
    for (int col = 0; col < Cols; col += kLine<T>) {
      volatile T& element = p[r * stride + col];
      element = element;
    }
  }
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

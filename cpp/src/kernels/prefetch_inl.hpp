/// Prefetches cache lines, or takes exclusive ownership of them for this core, before they are needed.
#pragma once

#include "base/hardware.hpp"
#include "kernels/vec.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

template <class T>
inline constexpr int kLine = static_cast<int>(hardware::kCacheLine / sizeof(T));

/// Prefetches `rows` runs of Cols elements, row r at p + r * stride, into the second-level cache. A run that begins
/// within a cache line shares this line with the previous run, which already fetched it. So each line is prefetched by
/// the last element of every kLine elements.
template <int Cols, class T>
BP_INLINE void prefetch_lines(const T* p, ptrdiff_t rows, ptrdiff_t stride) {
  for (ptrdiff_t r = 0; r < rows; ++r) {
    for (int col = 0; col < Cols; col += kLine<T>) {
      __builtin_prefetch(p + r * stride + (col + kLine<T> < Cols ? col + kLine<T> : Cols) - 1, 0, 2);
    }
  }
}

/// Takes ownership of the cache lines of `rows` runs of Cols elements that this core will write and that other cores
/// may also hold: rewrites one element per line with its own value. While the store waits for exclusive ownership of
/// the line, later instructions continue. A write prefetch does not help: it does not request a line that this core
/// already holds as shared (Zen 4).
template <int Cols, class T>
BP_INLINE void take_ownership_of_lines(T* p, ptrdiff_t rows, ptrdiff_t stride) {
  for (ptrdiff_t r = 0; r < rows; ++r) {
    for (int col = 0; col < Cols; col += kLine<T>) {
      volatile T& element = p[r * stride + col];
      element = element;
    }
  }
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

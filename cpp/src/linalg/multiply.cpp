#include "linalg/multiply.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "base/memory.hpp"

namespace backpass::linalg {
namespace {

/// A packed block of B, this deep and this many panels wide, and the part of A that it meets stay in the second-level
/// cache; rows of B are read in runs of several cache lines.
constexpr Index kBlockDepth = 512;
constexpr Index kGroupPanels = 4;
/// What of B the second-level cache holds, and a core's part of the third. Within them a product reads B tile by tile
/// as it is. Beyond, B is read in its own order: by very few rows from the second level on,
constexpr Index kSecondLevelBytes = Index{1} << 20;
constexpr Index kThirdLevelBytes = Index{8} << 20;
/// (less where every piece of a row lies across cache lines)
constexpr Index kThirdLevelBytesAcross = Index{2} << 20;
/// and by fewer rows than so many tiles from the third; more rows repay a packed copy.
constexpr Index kPackTiles = 4;

/// Whether the rows of B begin with cache lines.
template <class T>
bool in_lines(const Product<T>& p) noexcept {
  return reinterpret_cast<std::uintptr_t>(p.b) % kAlignment == 0 &&
         static_cast<std::size_t>(p.b_row) * sizeof(T) % kAlignment == 0;
}

/// From so many bytes on a B that is read in place is fetched ahead.
constexpr Index kFarBytes = Index{512} << 10;

/// Whether the distance between rows of B maps a panel into so few sets of the second-level cache that each tile finds
/// but a small part of it there: rows of 2048 floats, 8 KiB, meet in 16 sets. A single tile reads it once anyhow.
template <class T>
bool panel_evicts_itself(const Product<T>& p, Index tile_rows) noexcept {
  constexpr Index kWayBytes = Index{128} << 10;
  constexpr Index kWays = 8;
  constexpr Index kTimes = 4;  // less of it costs less than packing does
  const Index resident_rows = kWays * kWayBytes / std::gcd(p.b_row * static_cast<Index>(sizeof(T)), kWayBytes);
  return p.m > tile_rows && p.k >= kTimes * resident_rows;
}

/// Rows of C that multiply_narrow() takes at once, and the stride of their transpose: not a multiple of a page.
constexpr Index kNarrowRun = 1024;
constexpr Index kNarrowStride = kNarrowRun + 16;

/// A product with fewer columns than a vector has, whose A lies transposed: Cᵀ = Bᵀ Aᵀ has long rows. It is what the
/// gradient of a layer with few outputs asks for.
template <class T>
void multiply_narrow(const KernelTable<T>& kernels, const Product<T>& p, T* scratch) noexcept {
  for (Index row = 0; row < p.m; row += kNarrowRun) {
    const Index rows = std::min(kNarrowRun, p.m - row);
    T* const c = p.c + row * p.c_row;
    for (Index r = 0; p.accumulate && r < rows; ++r) {
      for (Index n = 0; n < p.n; ++n) {
        scratch[n * kNarrowStride + r] = c[r * p.c_row + n];
      }
    }
    kernels.gemm({p.n, rows, p.k, p.b, 1, p.b_row, p.a + row, p.a_col, kernels.panel_cols, scratch, kNarrowStride,
                  nullptr, p.accumulate, false, nullptr});
    for (Index r = 0; r < rows; ++r) {
      for (Index n = 0; n < p.n; ++n) {
        c[r * p.c_row + n] = scratch[n * kNarrowStride + r];
      }
    }
  }
}

}  // namespace

template <class T>
std::size_t scratch_size(const KernelTable<T>& kernels, std::size_t k) noexcept {
  const Index depth = std::min(static_cast<Index>(k), kBlockDepth);
  return static_cast<std::size_t>(
      std::max(depth * kGroupPanels * kernels.panel_cols, (kernels.lanes - 1) * kNarrowStride));
}

template <class T>
void multiply(const KernelTable<T>& kernels, const Product<T>& p, T* scratch) noexcept {
  kernels::GemmArgs<T> args{p.m, p.n,     p.k,    p.a,          p.a_row, p.a_col, p.b, p.b_row, kernels.panel_cols,
                            p.c, p.c_row, p.bias, p.accumulate, false,   p.claim};
  if (p.n < kernels.lanes && p.a_row == 1 && p.b_layout == Layout::plain && p.bias == nullptr) {
    multiply_narrow(kernels, p, scratch);
    return;
  }
  if (p.b_layout == Layout::plain) {
    const Index bytes = p.k * p.n * static_cast<Index>(sizeof(T));
    const Index third_level = in_lines(p) ? kThirdLevelBytes : kThirdLevelBytesAcross;
    const Index stream_rows = bytes <= kSecondLevelBytes ? 0
                              : bytes <= third_level     ? kernels.tile_rows / 2
                                                         : kPackTiles * kernels.tile_rows - 1;
    if (p.m <= stream_rows) {
      args.far = p.k * p.b_row * static_cast<Index>(sizeof(T)) >= kThirdLevelBytes;
      kernels.stream(args);
      return;
    }
    if ((bytes <= third_level && !panel_evicts_itself(p, kernels.tile_rows)) || p.n <= kernels.panel_cols) {
      args.far = bytes > kFarBytes && p.m >= kernels.tile_rows;
      kernels.gemm(args);
      return;
    }
  }
  // Blocks of k of even size. A later block goes on from C, and the last one adds the bias.
  const Index blocks = std::max<Index>(1, (p.k + kBlockDepth - 1) / kBlockDepth);
  const Index group = kGroupPanels * kernels.panel_cols;
  args.b = scratch;
  args.b_row = kernels.panel_cols;
  for (Index block = 0; block < blocks; ++block) {
    const Index first = p.k * block / blocks;
    const Index last = p.k * (block + 1) / blocks;
    args.k = last - first;
    args.b_panel = args.k * kernels.panel_cols;
    args.a = p.a + first * p.a_col;
    args.accumulate = p.accumulate || block > 0;
    for (Index col = 0; col < p.n; col += group) {
      args.n = std::min(group, p.n - col);
      args.c = p.c + col;
      args.claim = p.claim == nullptr ? nullptr : p.claim + col;
      args.bias = p.bias == nullptr || last < p.k ? nullptr : p.bias + col;
      if (p.b_layout == Layout::plain) {
        kernels.pack(args.k, args.n, p.b + first * p.b_row + col, p.b_row, scratch);
      } else {
        kernels.pack_transposed(args.k, args.n, p.b + col * p.b_row + first, p.b_row, scratch);
      }
      kernels.gemm(args);
    }
  }
}

template std::size_t scratch_size<float>(const KernelTable<float>&, std::size_t) noexcept;
template std::size_t scratch_size<double>(const KernelTable<double>&, std::size_t) noexcept;
template void multiply<float>(const KernelTable<float>&, const Product<float>&, float*) noexcept;
template void multiply<double>(const KernelTable<double>&, const Product<double>&, double*) noexcept;

}  // namespace backpass::linalg

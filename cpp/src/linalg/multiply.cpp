#include "linalg/multiply.hpp"

#include <algorithm>

namespace backpass::linalg {
namespace {

/// A packed block of B, this deep and this many panels wide, and the part of A that it meets stay in the second-level
/// cache; rows of B are read in runs of several cache lines.
constexpr Index kBlockDepth = 512;
constexpr Index kGroupPanels = 4;
/// What of B the second-level cache holds, and a core's part of the third. Within them a product reads B tile by tile
/// as it is. Beyond, B is read in its own order: by very few rows from the second level on,
constexpr Index kSecondLevelBytes = Index{1} << 20;
constexpr Index kThirdLevelBytes = Index{4} << 20;
/// and by fewer rows than so many tiles from the third; more rows repay a packed copy.
constexpr Index kPackTiles = 4;

}  // namespace

template <class T>
std::size_t scratch_size(const KernelTable<T>& kernels, std::size_t k) noexcept {
  const std::size_t depth = std::min(k, static_cast<std::size_t>(kBlockDepth));
  return depth * static_cast<std::size_t>(kGroupPanels * kernels.panel_cols);
}

template <class T>
void multiply(const KernelTable<T>& kernels, const Product<T>& p, T* scratch) noexcept {
  kernels::GemmArgs<T> args{p.m, p.n,     p.k,    p.a,         p.a_row, p.a_col, p.b, p.b_row, kernels.panel_cols,
                            p.c, p.c_row, p.bias, p.accumulate};
  if (p.b_layout == Layout::plain) {
    const Index bytes = p.k * p.n * static_cast<Index>(sizeof(T));
    const Index stream_rows = bytes <= kSecondLevelBytes  ? 0
                              : bytes <= kThirdLevelBytes ? kernels.tile_rows / 2
                                                          : kPackTiles * kernels.tile_rows - 1;
    if (p.m <= stream_rows) {
      kernels.stream(args);
      return;
    }
    if (bytes <= kThirdLevelBytes || p.n <= kernels.panel_cols) {
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

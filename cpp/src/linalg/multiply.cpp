#include "linalg/multiply.hpp"

#include <algorithm>

namespace backpass::linalg {
namespace {

/// A packed block of B, this deep and this many panels wide, and the part of A that it meets stay in the second-level
/// cache; rows of B are read in runs of several cache lines.
constexpr Index kBlockDepth = 512;
constexpr Index kGroupPanels = 4;
/// A panel of B is read once for every tile of rows: from so many tiles on a copy that lies in consecutive cache lines
/// (one page instead of k, no two lines in one set) repays itself.
constexpr Index kPackTiles = 4;
/// What of B the second-level cache holds. Fewer rows take a larger one from memory in its own order.
constexpr Index kCachedBytes = Index{1} << 20;

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
  const bool few_rows = p.m < kPackTiles * kernels.tile_rows;
  if (p.b_layout == Layout::plain && (few_rows || p.n <= kernels.panel_cols)) {
    const bool cached = p.k * p.n * static_cast<Index>(sizeof(T)) <= kCachedBytes;
    (few_rows && !cached ? kernels.stream : kernels.gemm)(args);
    return;
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

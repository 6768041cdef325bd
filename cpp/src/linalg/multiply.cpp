#include "linalg/multiply.hpp"

#include <algorithm>

namespace backpass::linalg {

template <class T>
void multiply(const KernelTable<T>& kernels, const Product<T>& p, T* scratch) noexcept {
  kernels::GemmArgs<T> args{p.m, p.n,     p.k,    p.a,         p.a_row, p.a_col, p.b, p.b_row, kernels.panel_cols,
                            p.c, p.c_row, p.bias, p.accumulate};
  // A panel of B is read once for every tile of rows. From about four tiles on a copy that lies in consecutive cache
  // lines (one page instead of k, no two lines in one set) repays itself; a transposed one must be copied anyhow.
  const bool repacks = p.b_layout == Layout::transposed || (p.m >= 4 * kernels.tile_rows && p.n > kernels.panel_cols);
  if (!repacks) {
    kernels.gemm(args);
    return;
  }
  args.b = scratch;
  args.b_row = kernels.panel_cols;
  for (Index col = 0; col < p.n; col += kernels.panel_cols) {
    args.n = std::min(kernels.panel_cols, p.n - col);
    if (p.b_layout == Layout::plain) {
      kernels.pack(p.k, args.n, p.b + col, p.b_row, scratch);
    } else {
      kernels.pack_transposed(p.k, args.n, p.b + col * p.b_row, p.b_row, scratch);
    }
    args.c = p.c + col;
    args.bias = p.bias == nullptr ? nullptr : p.bias + col;
    kernels.gemm(args);
  }
}

template void multiply<float>(const KernelTable<float>&, const Product<float>&, float*) noexcept;
template void multiply<double>(const KernelTable<double>&, const Product<double>&, double*) noexcept;

}  // namespace backpass::linalg

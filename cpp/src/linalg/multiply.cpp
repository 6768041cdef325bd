#include "linalg/multiply.hpp"

#include <algorithm>
#include <numeric>

#include "base/hardware.hpp"
#include "runtime/interrupt.hpp"

namespace backpass::linalg {
namespace {

/// Maximum depth of a packed panel of B. With 32 columns of floats, the panel has 64 KiB, and 256 rows of A have 512
/// KiB: both stay in the second-level cache. Depths of 256 and 384 are as fast (docs/tuning.md).
constexpr Index kBlockDepth = 512;
/// Bytes of B that fit the caches. If A has few rows, a product reads B in memory order: at most tile_rows / 2 rows if
/// B exceeds kL2, fewer than kFewTiles · tile_rows rows if B exceeds kL3. Otherwise it reads a B of at most kL3 in
/// place, tile by tile, and packs a larger B.
constexpr Index kL2 = hardware::kL2;
constexpr Index kL3 = hardware::kL3;
/// From this number of tiles of rows on, packing B pays off, and so does prefetching the panels of a B that is read in
/// place. Products with fewer tiles wait for the prefetches: 12 to 16 rows take 20 % longer (docs/tuning.md).
constexpr Index kFewTiles = 4;

/// Work between two polls, in multiply-adds. A thread computes 1e10 to 5e10 multiply-adds per second in float, half as
/// many in double. A product of fewer than kLeastPolledWork multiply-adds does not poll; its caller may. One call of a
/// kernel has about kMostPolledWork multiply-adds at most, which take 3 to 30 ms. A panel that is read in place is cut
/// every kPolledDepth rows and multiplied with at most kPolledTiles tiles of rows: 1.5 · 2^27 multiply-adds with the
/// largest tile, 12 × 32. Packing a panel is little work compared with multiplying it with 64 tiles.
constexpr Index kLeastPolledWork = Index{1} << 20;
constexpr Index kMostPolledWork = Index{1} << 27;
constexpr Index kPolledDepth = Index{1} << 13;
constexpr Index kPolledTiles = 64;

void poll(Index work) {
  if (work >= kLeastPolledWork) {
    runtime::poll(static_cast<std::size_t>(work));
  }
}

/// If B exceeds this number of bytes and is read in place, it is prefetched panel by panel: A and C need the other half
/// of the second-level cache.
constexpr Index kFarBytes = kL2 / 2;

/// True if the row stride of B maps a panel to so few sets of the second-level cache that every tile finds only a small
/// part of the panel there. For example, rows of 2048 floats (8 KiB) share 16 sets. A single tile of rows reads the
/// panel only once, so the sets do not matter.
template <class T>
bool panel_evicts_itself(const Product<T>& p, Index tile_rows) noexcept {
  constexpr Index kWay = hardware::kL2Way;
  constexpr Index kTimes = 4;  // a tile then finds a quarter of the panel; a smaller excess costs less than packing
  const Index resident_rows = kL2 / std::gcd(p.b_row * static_cast<Index>(sizeof(T)), kWay);
  return p.m > tile_rows && p.k >= kTimes * resident_rows;
}

/// Number of rows of C that multiply_narrow() computes together, and the row stride of their transpose. With 15 columns
/// of floats, the transpose has 15 · 1040 · 4 bytes = 61 KiB, less than a packed panel. The stride is one cache line
/// of floats longer than a page, so that the rows are in different cache sets.
constexpr Index kNarrowRun = 1024;
constexpr Index kNarrowStride = kNarrowRun + 16;

/// A product with fewer columns than a vector has lanes, and with a transposed A: computes Cᵀ = Bᵀ Aᵀ, which has long
/// rows, in scratch (n, kNarrowStride). The gradient of a layer with few outputs is such a product.
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
    kernels.gemm({.m = p.n,
                  .n = rows,
                  .k = p.k,
                  .a = p.b,
                  .a_row = 1,
                  .a_col = p.b_row,
                  .b = p.a + row,
                  .b_row = p.a_col,
                  .c = scratch,
                  .c_row = kNarrowStride,
                  .accumulate = p.accumulate});
    for (Index r = 0; r < rows; ++r) {
      for (Index n = 0; n < p.n; ++n) {
        c[r * p.c_row + n] = scratch[n * kNarrowStride + r];
      }
    }
  }
}

/// Multiplies panel by panel. While one panel is multiplied, the kernel prefetches the next one. Unless B is read in
/// place, each panel is packed into scratch first.
template <class T>
void multiply_panels(const KernelTable<T>& kernels, const Product<T>& p, Layout b_layout, bool in_place, T* scratch) {
  const bool transposed = b_layout == Layout::transposed;
  const Index width = kernels.panel_cols;
  const Index panels = (p.n + width - 1) / width;
  const Index tiles = p.m / kernels.tile_rows;
  // Panels are cut into blocks of k of nearly equal depth. Every block but the first accumulates into C. The last block
  // adds the bias.
  const Index depth = in_place ? kPolledDepth : kBlockDepth;
  const Index blocks = std::max<Index>(1, (p.k + depth - 1) / depth);
  struct Part {
    Index first, last, col;
    const T* b;
  };
  const auto part = [&](Index i) {
    const Index block = i / panels;
    const Index first = p.k * block / blocks;
    const Index col = i % panels * width;
    return Part{first, p.k * (block + 1) / blocks, col,
                transposed ? p.b + col * p.b_row + first : p.b + first * p.b_row + col};
  };
  const bool polls = p.m * p.n * p.k >= kLeastPolledWork;
  for (Index i = 0; i < blocks * panels; ++i) {
    const Part now = part(i);
    Product<T> args = p;
    args.n = std::min(width, p.n - now.col);
    args.k = now.last - now.first;
    args.a += now.first * p.a_col;
    args.b = now.b;
    args.c += now.col;
    args.bias = p.bias == nullptr || now.last < p.k ? nullptr : p.bias + now.col;
    args.accumulate = p.accumulate || now.first > 0;
    args.take_ownership = p.take_ownership == nullptr ? nullptr : p.take_ownership + now.col;
    if (i + 1 < blocks * panels && tiles > 0) {
      const Part next = part(i + 1);
      const Index num_blocks = (next.last - next.first + width - 1) / width;
      args.prefetch = {next.b, transposed ? width : width * p.b_row, p.b_row, num_blocks,
                       std::min((num_blocks + tiles - 1) / tiles, args.k / width)};
    }
    if (!in_place) {
      (transposed ? kernels.pack_transposed : kernels.pack)(args.k, args.n, now.b, p.b_row, scratch);
      args.b = scratch;
      args.b_row = width;
    }
    kernels.gemm(args);
    if (polls) {
      runtime::poll(static_cast<std::size_t>(args.m * args.n * args.k));
    }
  }
}

/// Calls a kernel that reads B in place. A long product takes several calls: each call takes a block of k and
/// accumulates into C.
template <class T>
void multiply_in_place(void (*kernel)(const Product<T>&), const Product<T>& p) {
  const Index work = p.m * p.n * p.k;
  Product<T> args = p;
  if (work <= kMostPolledWork) {
    kernel(args);
    poll(work);
    return;
  }
  args.k = std::max<Index>(1, kMostPolledWork / (p.m * p.n));
  for (Index first = 0; first < p.k; first += args.k) {
    args.k = std::min(args.k, p.k - first);
    args.a = p.a + first * p.a_col;
    args.b = p.b + first * p.b_row;
    args.bias = first + args.k < p.k ? nullptr : p.bias;
    kernel(args);
    args.accumulate = true;
    args.take_ownership = nullptr;
    poll(p.m * p.n * args.k);
  }
}

/// Computes a product of at most kPolledTiles tiles of rows.
template <class T>
void multiply_rows(const KernelTable<T>& kernels, const Product<T>& p, Layout b_layout, T* scratch) {
  bool in_place = false;
  if (b_layout == Layout::plain) {
    const Index bytes = p.k * p.n * static_cast<Index>(sizeof(T));
    const Index few_rows = bytes <= kL2 ? 0 : bytes <= kL3 ? kernels.tile_rows / 2 : kFewTiles * kernels.tile_rows - 1;
    const bool has_few_rows = p.m <= few_rows;
    in_place = (bytes <= kL3 && !panel_evicts_itself(p, kernels.tile_rows)) || p.n <= kernels.panel_cols;
    if (has_few_rows || (in_place && (bytes <= kFarBytes || p.m < kFewTiles * kernels.tile_rows))) {
      multiply_in_place(has_few_rows ? kernels.gemm_few_rows : kernels.gemm, p);
      return;
    }
  }
  multiply_panels(kernels, p, b_layout, in_place, scratch);
}

}  // namespace

template <class T>
std::size_t scratch_size(const KernelTable<T>& kernels, std::size_t k) noexcept {
  const Index depth = std::min(static_cast<Index>(k), kBlockDepth);
  return static_cast<std::size_t>(std::max(depth * kernels.panel_cols, (kernels.lanes - 1) * kNarrowStride));
}

template <class T>
void multiply(const KernelTable<T>& kernels, const Product<T>& p, Layout b_layout, T* scratch) {
  if (p.n < kernels.lanes && p.a_row == 1 && b_layout == Layout::plain && p.bias == nullptr) {
    multiply_narrow(kernels, p, scratch);
    return;
  }
  const Index rows = kPolledTiles * kernels.tile_rows;
  if (p.m <= rows) {
    multiply_rows(kernels, p, b_layout, scratch);
    return;
  }
  for (Index row = 0; row < p.m; row += rows) {
    Product<T> part = p;
    part.m = std::min(rows, p.m - row);
    part.a += row * p.a_row;
    part.c += row * p.c_row;
    part.take_ownership = p.take_ownership == nullptr ? nullptr : p.take_ownership + row * p.c_row;
    multiply_rows(kernels, part, b_layout, scratch);
  }
}

template std::size_t scratch_size<float>(const KernelTable<float>&, std::size_t) noexcept;
template std::size_t scratch_size<double>(const KernelTable<double>&, std::size_t) noexcept;
template void multiply<float>(const KernelTable<float>&, const Product<float>&, Layout, float*);
template void multiply<double>(const KernelTable<double>&, const Product<double>&, Layout, double*);

}  // namespace backpass::linalg

// Checks gemm and packing of every kernel set against the definition: one chain of multiply-adds per element, in order
// of k.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "kernels/dispatch.hpp"

namespace backpass::kernels {
namespace {

template <class T>
std::vector<T> random_numbers(std::size_t n, unsigned int seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  std::vector<T> numbers;
  numbers.reserve(n + 1);  // an empty matrix also needs an address: kernels do arithmetic on it
  numbers.resize(n);
  for (T& x : numbers) {
    x = static_cast<T>(uniform(generator));
  }
  return numbers;
}

/// The multiply-add that the kernel set uses.
template <class T>
T multiply_add(const KernelSet& set, T a, T b, T c) {
  if (std::string(set.name) == "baseline") {
    volatile T product = a * b;  // rounds the product
    return product + c;
  }
  return std::fma(a, b, c);
}

template <class T>
class Gemm : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Gemm, Types);

template <class T, class F>
void for_sets(F f) {
  int tested = 0;
  for (const KernelSet* set : built()) {
    if (usable(*set)) {
      SCOPED_TRACE(set->name);
      f(*set, table<T>(*set));
      ++tested;
    }
  }
  EXPECT_GE(tested, 1);
}

constexpr Index kGap = 3;  ///< columns after the end of a row, which gemm must not change

template <class T>
void check(const KernelSet& set, const KernelTable<T>& kernels, Index m, Index n, Index k, bool packed,
           bool a_transposed, bool accumulate, bool with_bias) {
  const auto a = random_numbers<T>(static_cast<std::size_t>((m + kGap) * k), 1);
  const Index b_row = n + kGap;
  const auto b = random_numbers<T>(static_cast<std::size_t>(k * b_row), 2);
  const auto bias = random_numbers<T>(static_cast<std::size_t>(n), 3);
  const Index c_row = n + kGap;
  const auto before = random_numbers<T>(static_cast<std::size_t>(m * c_row), 4);
  std::vector<T> c;
  c.reserve(1);
  c = before;

  Product<T> args;
  args.m = m;
  args.n = n;
  args.k = k;
  args.a = a.data();
  args.a_row = a_transposed ? 1 : k;
  args.a_col = a_transposed ? m + kGap : 1;
  std::vector<T> panel;
  panel.reserve(1);
  if (packed) {
    panel.assign(static_cast<std::size_t>(kernels.panel_cols * k), T(7));
    kernels.pack(k, n, b.data(), b_row, panel.data());
    args.b = panel.data();
    args.b_row = kernels.panel_cols;
  } else {
    args.b = b.data();
    args.b_row = b_row;
  }
  args.c = c.data();
  args.c_row = c_row;
  args.bias = with_bias ? bias.data() : nullptr;
  args.accumulate = accumulate;
  kernels.gemm(args);
  // Prefetching and taking ownership must not change any value.
  std::vector<T> fetched = before;
  fetched.reserve(1);
  auto owned = random_numbers<T>(fetched.size(), 5);
  owned.reserve(1);
  const auto original = owned;
  args.c = fetched.data();
  args.prefetch = {b.data(), kernels.panel_cols, b_row, 5, std::min(Index{2}, k / kernels.panel_cols)};
  args.take_ownership = owned.data();
  kernels.gemm(args);
  ASSERT_EQ(fetched, c) << "prefetching, " << m << " x " << n << " x " << k;
  ASSERT_EQ(owned, original) << "taking ownership, " << m << " x " << n << " x " << k;
  if (!packed) {
    std::vector<T> few_rows = before;
    few_rows.reserve(1);
    args.c = few_rows.data();
    kernels.gemm_few_rows(args);
    ASSERT_EQ(few_rows, c) << "gemm_few_rows, " << m << " x " << n << " x " << k;
  }

  for (Index i = 0; i < m; ++i) {
    for (Index j = 0; j < c_row; ++j) {
      const auto at = static_cast<std::size_t>(i * c_row + j);
      T expected = before[at];
      if (j < n) {
        expected = accumulate ? before[at] : T(0);
        for (Index p = 0; p < k; ++p) {
          expected = multiply_add(set, a[static_cast<std::size_t>(i * args.a_row + p * args.a_col)],
                                  b[static_cast<std::size_t>(p * b_row + j)], expected);
        }
        expected += with_bias ? bias[static_cast<std::size_t>(j)] : T(0);
      }
      ASSERT_EQ(c[at], expected) << "element (" << i << ", " << j << ") of " << m << " x " << n << " x " << k
                                 << (packed ? ", packed" : "") << (a_transposed ? ", a transposed" : "");
    }
  }
}

TYPED_TEST(Gemm, EveryElementIsOneChainInOrder) {
  using T = TypeParam;
  for_sets<T>([](const KernelSet& set, const KernelTable<T>& kernels) {
    const Index lanes = kernels.lanes;
    const Index rows = kernels.tile_rows;
    for (const Index m : {Index{0}, Index{1}, Index{2}, Index{3}, rows - 1, rows, rows + 1, 2 * rows + 5}) {
      for (const Index n :
           {Index{1}, lanes / 2, lanes / 2 + 1, lanes - 1, lanes, lanes + 1, lanes + lanes / 2, lanes + lanes / 2 + 1,
            2 * lanes - 1, 2 * lanes, 2 * lanes + 1, 5 * lanes + 3, 8 * lanes, 19 * lanes + 1}) {
        for (const Index k : {Index{0}, Index{1}, Index{2}, Index{17}, 2 * kernels.panel_cols + 1}) {
          check(set, kernels, m, n, k, false, false, false, false);
          if (n <= kernels.panel_cols) {
            check(set, kernels, m, n, k, true, false, false, false);
          }
        }
      }
    }
  });
}

/// Every number of remaining rows, for every width that a run of columns can have.
TYPED_TEST(Gemm, LastTiles) {
  using T = TypeParam;
  for_sets<T>([](const KernelSet& set, const KernelTable<T>& kernels) {
    const Index lanes = kernels.lanes;
    for (Index m = 1; m <= 3 * kernels.tile_rows + 4; ++m) {
      for (const Index n : {lanes / 2, lanes, lanes + 1, 2 * lanes}) {
        check(set, kernels, m, n, 3 * kernels.panel_cols, false, false, true, true);
      }
    }
  });
}

/// More columns than gemm_few_rows() processes per run.
TYPED_TEST(Gemm, LongRows) {
  using T = TypeParam;
  for_sets<T>([](const KernelSet& set, const KernelTable<T>& kernels) {
    for (const Index m : {1, 5, 20}) {
      for (const Index n : {4096, 5003}) {
        for (const Index k : {0, 9}) {
          check(set, kernels, m, n, k, false, true, false, true);
          check(set, kernels, m, n, k, false, false, true, true);
        }
      }
    }
  });
}

TYPED_TEST(Gemm, TransposedAccumulatedAndBiased) {
  using T = TypeParam;
  for_sets<T>([](const KernelSet& set, const KernelTable<T>& kernels) {
    std::mt19937 generator(5);
    const auto draw = [&](int most) { return static_cast<Index>(generator() % static_cast<unsigned int>(most)); };
    for (int trial = 0; trial < 200; ++trial) {
      const bool flags[] = {generator() % 2 == 0, generator() % 2 == 0, generator() % 2 == 0, generator() % 2 == 0};
      const auto most = flags[0] ? static_cast<int>(kernels.panel_cols) : 80;
      check(set, kernels, draw(40), 1 + draw(most), draw(200), flags[0], flags[1], flags[2], flags[3]);
    }
  });
}

TYPED_TEST(Gemm, APanelHoldsBAndZeros) {
  using T = TypeParam;
  for_sets<T>([](const KernelSet&, const KernelTable<T>& kernels) {
    const Index panel = kernels.panel_cols;
    for (const Index n : {Index{1}, panel / 2, panel / 2 + 1, panel - 1, panel}) {
      for (const Index k : {1, 3, 18}) {
        const auto b = random_numbers<T>(static_cast<std::size_t>(k * n), 6);
        std::vector<T> bt(b.size());
        std::vector<T> expected(static_cast<std::size_t>(panel * k));
        for (Index p = 0; p < k; ++p) {
          for (Index j = 0; j < n; ++j) {
            const T element = b[static_cast<std::size_t>(p * n + j)];
            bt[static_cast<std::size_t>(j * k + p)] = element;
            expected[static_cast<std::size_t>(p * panel + j)] = element;
          }
        }
        std::vector<T> plain(expected.size() + 1, T(9));
        kernels.pack(k, n, b.data(), n, plain.data());
        std::vector<T> transposed(expected.size() + 1, T(9));
        kernels.pack_transposed(k, n, bt.data(), k, transposed.data());
        expected.push_back(T(9));  // detects writes beyond the end
        EXPECT_EQ(plain, expected);
        EXPECT_EQ(transposed, expected);
      }
    }
  });
}

TYPED_TEST(Gemm, ARowIsOneChainPerElement) {
  using T = TypeParam;
  for_sets<T>([](const KernelSet& set, const KernelTable<T>& kernels) {
    const Index most = 9 * kernels.lanes + 1;
    for (const Index k : {1, 2, 7, 64}) {
      for (Index n = 1; n <= most; ++n) {
        for (const bool with_bias : {false, true}) {
          const auto a = random_numbers<T>(static_cast<std::size_t>(k), 1);
          const auto b = random_numbers<T>(static_cast<std::size_t>(k * n), 2);
          const auto bias = random_numbers<T>(static_cast<std::size_t>(n), 3);
          std::vector<T> c(static_cast<std::size_t>(n + kGap), T(7));
          kernels.multiply_row(k, n, a.data(), b.data(), with_bias ? bias.data() : nullptr, c.data());
          for (Index col = 0; col < n; ++col) {
            T sum(0);
            for (Index i = 0; i < k; ++i) {
              sum = multiply_add(set, a[static_cast<std::size_t>(i)], b[static_cast<std::size_t>(i * n + col)], sum);
            }
            sum += with_bias ? bias[static_cast<std::size_t>(col)] : T(0);
            ASSERT_EQ(c[static_cast<std::size_t>(col)], sum) << k << " x " << n << ", column " << col;
          }
          ASSERT_EQ(std::count(c.end() - kGap, c.end(), T(7)), kGap) << k << " x " << n;
        }
      }
    }
  });
}

}  // namespace
}  // namespace backpass::kernels

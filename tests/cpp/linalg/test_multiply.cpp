// Products with and without packing, in parts and as a whole, have the bits of the element-by-element chain.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "kernels/dispatch.hpp"
#include "linalg/multiply.hpp"

namespace backpass::linalg {
namespace {

template <class T>
class Multiply : public testing::Test {
 protected:
  std::vector<T> numbers(Index n) {
    std::vector<T> v;
    v.reserve(static_cast<std::size_t>(n) + 1);  // an empty matrix also needs an address: kernels do arithmetic on it
    v.resize(static_cast<std::size_t>(n));
    std::uniform_real_distribution<double> uniform(-1.0, 1.0);
    for (T& x : v) {
      x = static_cast<T>(uniform(generator_));
    }
    return v;
  }

 private:
  std::mt19937 generator_{7};
};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Multiply, Types);

TYPED_TEST(Multiply, LayoutsAndPartsGiveTheSameBits) {
  using T = TypeParam;
  const auto& kernels = kernels::table<T>();
  const Index sizes[][3] = {{1, 1, 1},       {1, 100, 33},    {2, 129, 64},    {13, 45, 17},
                            {64, 64, 64},    {100, 47, 129},  {131, 200, 90},  {5, 700, 601},
                            {50, 301, 1100}, {30, 2048, 520}, {50, 2048, 520}, {64, 64, 0}};
  for (const auto& [m, n, k] : sizes) {
    const auto a = this->numbers(m * k);
    const auto b = this->numbers(k * n);
    const auto bias = this->numbers(n);
    std::vector<T> bt(b.size() + 1);
    for (Index p = 0; p < k; ++p) {
      for (Index j = 0; j < n; ++j) {
        bt[static_cast<std::size_t>(j * k + p)] = b[static_cast<std::size_t>(p * n + j)];
      }
    }
    std::vector<T> scratch(scratch_size(kernels, static_cast<std::size_t>(k)));
    Product<T> p;
    p.n = n;
    p.k = k;
    p.a_row = k;
    p.c_row = n;
    p.bias = bias.data();

    // Single rows are never packed.
    std::vector<T> expected(static_cast<std::size_t>(m * n));
    p.m = 1;
    p.b = b.data();
    p.b_row = n;
    for (Index i = 0; i < m; ++i) {
      p.a = a.data() + i * k;
      p.c = expected.data() + i * n;
      multiply(kernels, p, Layout::plain, scratch.data());
    }

    std::vector<T> c(expected.size());
    p.m = m;
    p.a = a.data();
    p.c = c.data();
    multiply(kernels, p, Layout::plain, scratch.data());
    EXPECT_EQ(c, expected) << "plain, " << m << " x " << n << " x " << k;

    std::fill(c.begin(), c.end(), T(0));
    p.b = bt.data();
    p.b_row = k;
    multiply(kernels, p, Layout::transposed, scratch.data());
    EXPECT_EQ(c, expected) << "transposed, " << m << " x " << n << " x " << k;

    // The sum over k as two products; the second accumulates.
    p.b = b.data();
    p.b_row = n;
    p.bias = nullptr;
    p.k = k / 2;
    multiply(kernels, p, Layout::plain, scratch.data());
    p.a += p.k;
    p.b += p.k * n;
    p.k = k - p.k;
    p.accumulate = true;
    p.bias = bias.data();
    multiply(kernels, p, Layout::plain, scratch.data());
    EXPECT_EQ(c, expected) << "in two parts, " << m << " x " << n << " x " << k;
  }
}

/// Aᵀ B, the form of a gradient, with fewer columns than a vector has lanes, as many, and more.
TYPED_TEST(Multiply, TransposedFactors) {
  using T = TypeParam;
  const auto& kernels = kernels::table<T>();
  for (const Index m : {1, 7, 64, 1030}) {
    for (const int n : {1, 2, kernels.lanes - 1, kernels.lanes, kernels.lanes + 1}) {
      for (const Index k : {0, 1, 33}) {
        const auto at = this->numbers(k * m);
        const auto b = this->numbers(k * n);
        const auto before = this->numbers(m * n);
        std::vector<T> a(at.size() + 1);
        for (Index i = 0; i < k * m; ++i) {
          a[static_cast<std::size_t>(i % m * k + i / m)] = at[static_cast<std::size_t>(i)];
        }
        std::vector<T> scratch(scratch_size(kernels, static_cast<std::size_t>(k)));
        for (const bool accumulate : {false, true}) {
          std::vector<T> expected = before;
          std::vector<T> c = before;
          Product<T> p{.m = m,
                       .n = n,
                       .k = k,
                       .a = a.data(),
                       .a_row = k,
                       .b = b.data(),
                       .b_row = n,
                       .c = expected.data(),
                       .c_row = n,
                       .accumulate = accumulate};
          multiply(kernels, p, Layout::plain, scratch.data());
          p.a = at.data();
          p.a_row = 1;
          p.a_col = m;
          p.c = c.data();
          multiply(kernels, p, Layout::plain, scratch.data());
          EXPECT_EQ(c, expected) << m << " x " << n << " x " << k << (accumulate ? ", accumulated" : "");
        }
      }
    }
  }
}

}  // namespace
}  // namespace backpass::linalg

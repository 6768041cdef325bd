#include <backpass/random.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <set>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "base/philox.hpp"
#include "base/shuffle.hpp"
#include "base/streams.hpp"

namespace backpass {
namespace {

using Words = std::array<std::uint32_t, 4>;

// The known-answer vectors of the Random123 distribution (kat_vectors, "philox4x32 10").
TEST(Philox, PublishedVectors) {
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, 0, 0), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32_10({~0U, ~0U, ~0U, ~0U}, ~0U, ~0U), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, KeyCounterAndStreamAllMatter) {
  const Philox random(1, 2);
  EXPECT_EQ(random.block(3), philox4x32_10({3, 0, 2, 0}, 1, 0));
  EXPECT_NE(random.block(3), random.block(4));
  EXPECT_NE(random.block(3), Philox(1, 3).block(3));
  EXPECT_NE(random.block(3), Philox(2, 2).block(3));
  EXPECT_EQ(Philox(5).block(std::uint64_t{7} << 32), philox4x32_10({0, 7, 0, 0}, 5, 0));
}

/// The initial weights (their stream is the layer), the shuffles and the dropout masks of one seed.
TEST(Streams, NoTwoUsesOfASeedShareOne) {
  std::set<std::uint64_t> streams;
  std::size_t uses = 0;
  for (std::uint64_t i = 0; i < 20; ++i) {
    streams.insert({i, shuffle_stream(i)});
    uses += 2;
    for (std::uint64_t pass = 0; pass < 20; ++pass) {
      streams.insert(dropout_stream(i, pass));
      streams.insert(dropout_stream(i, (std::uint64_t{1} << 48) - 1 - pass));
      uses += 2;
    }
  }
  EXPECT_EQ(streams.size(), uses);
}

TEST(Philox, UniformHasTheMomentsOfUniform) {
  constexpr int kCount = 100000;
  const Philox random(11);
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kCount; ++i) {
    const double u = random.uniform(static_cast<std::uint64_t>(i));
    ASSERT_GT(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    squares += u * u;
  }
  // Five standard errors: sqrt(1/12/n) and sqrt(4/45/n).
  EXPECT_NEAR(sum / kCount, 0.5, 5 * std::sqrt(1.0 / 12 / kCount));
  EXPECT_NEAR(squares / kCount, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / kCount));
}

TEST(Philox, NormalHasTheMomentsOfNormal) {
  constexpr int kCount = 100000;
  const Philox random(12);
  double sum = 0;
  double squares = 0;
  double fourth = 0;
  for (int i = 0; i < kCount; ++i) {
    const double z = random.normal(static_cast<std::uint64_t>(i));
    sum += z;
    squares += z * z;
    fourth += z * z * z * z;
  }
  EXPECT_NEAR(sum / kCount, 0.0, 5 / std::sqrt(kCount));
  EXPECT_NEAR(squares / kCount, 1.0, 5 * std::sqrt(2.0 / kCount));
  EXPECT_NEAR(fourth / kCount, 3.0, 5 * std::sqrt(96.0 / kCount));
}

template <class Index>
void expect_uniform_permutations() {
  // The first of five elements must reach each place 1/5 of the time.
  constexpr int kTrials = 20000;
  std::array<int, 5> count{};
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<Index> order(5);
    std::iota(order.begin(), order.end(), Index{0});
    shuffle(order, Philox(3, static_cast<std::uint64_t>(trial)));
    std::vector<Index> sorted = order;
    std::sort(sorted.begin(), sorted.end());
    for (Index i = 0; i < 5; ++i) {
      ASSERT_EQ(sorted[i], i);
    }
    ++count[static_cast<std::size_t>(std::find(order.begin(), order.end(), Index{0}) - order.begin())];
  }
  for (const int c : count) {
    EXPECT_NEAR(c, kTrials / 5.0, 5 * std::sqrt(kTrials * 0.2 * 0.8));
  }
}

TEST(Shuffle, IsAUniformPermutation) {
  expect_uniform_permutations<std::uint32_t>();
  expect_uniform_permutations<std::uint64_t>();
}

TEST(Shuffle, InPartsIsTheSame) {
  std::vector<std::uint32_t> whole(100);
  std::iota(whole.begin(), whole.end(), 0U);
  std::vector<std::uint32_t> parts = whole;
  shuffle(whole, Philox(3));
  std::span<std::uint32_t> left(parts);
  for (const std::size_t count : {1U, 30U, 60U, 9U}) {
    shuffle_last(left, count, Philox(3));
    left = left.first(left.size() - count);
  }
  EXPECT_EQ(parts, whole);
}

TEST(Shuffle, NothingAndOneStay) {
  std::vector<std::uint32_t> none;
  shuffle(none, Philox(0));
  std::vector<std::uint32_t> one{7};
  shuffle(one, Philox(0));
  EXPECT_EQ(one.front(), 7U);
}

TEST(RandomSeed, TwoDiffer) { EXPECT_NE(random_seed(), random_seed()); }

}  // namespace
}  // namespace backpass

// Checks dropout's random words against the published vectors of Philox and the scalar definition.
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/philox.hpp"
#include "kernels/kernel_sets.hpp"

namespace backpass::kernels {
namespace {

using Words = std::array<std::uint32_t, 4>;

/// The known-answer vectors of philox4x32-10 in the Random123 distribution.
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, 0, 0), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32_10({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffff, 0xffffffff),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

/// Finds the word of every column by bisection: an element is kept if its word is at least the threshold.
template <class T>
std::vector<std::uint32_t> words_of(const KernelTable<T>& t, const DropoutKey& key, std::size_t n) {
  const std::vector<T> ones(n, T(1));
  std::vector<T> kept(n);
  std::vector<std::uint32_t> words(n, 0);
  for (std::size_t j = 0; j < n; ++j) {
    for (std::uint32_t bit = 0x80000000U; bit != 0; bit >>= 1) {
      t.dropout(static_cast<Index>(n), key, words[j] | bit, T(1), ones.data(), kept.data());
      words[j] |= kept[j] != T(0) ? bit : 0U;
    }
  }
  return words;
}

class Dropout : public KernelTest {};
BACKPASS_FOR_USABLE_SETS(Dropout);

TEST_P(Dropout, FirstWordsAreTheKnownAnswer) {
  const DropoutKey zero{0, 0, 0};
  const std::vector<std::uint32_t> expected{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  EXPECT_EQ(words_of(table<float>(), zero, 4), expected);
  EXPECT_EQ(words_of(table<double>(), zero, 4), expected);
}

/// Uses all fields of the key, several whole vectors and a partial one.
TEST_P(Dropout, WordsAreTheScalarDefinitions) {
  const DropoutKey key{0x299f31d0a4093822, 0x0370abcd13198a2e, 0x85a308d3};
  const std::size_t n = 70;
  std::vector<std::uint32_t> expected;
  for (std::uint32_t block = 0; expected.size() < n; ++block) {
    const Words w = philox4x32_10({block, 0x85a308d3, 0x13198a2e, 0x370abcd}, 0xa4093822, 0x299f31d0);
    expected.insert(expected.end(), w.begin(), w.end());
  }
  expected.resize(n);
  EXPECT_EQ(words_of(table<float>(), key, n), expected);
  EXPECT_EQ(words_of(table<double>(), key, n), expected);
}

template <class T>
void expect_dropped(const KernelTable<T>& t) {
  const DropoutKey key{1, std::uint64_t{3} << 48 | 2, 4};
  const std::uint32_t threshold = 0x40000000;  // drops a quarter
  const T scale = T(4) / T(3);
  for (std::size_t n = 0; n < 150; ++n) {
    std::vector<T> in(n);
    for (std::size_t i = 0; i < n; ++i) {
      in[i] = T(i) - T(20.5);
    }
    Guarded<T> out(n);
    t.dropout(static_cast<Index>(n), key, threshold, scale, in.data(), out.data());
    EXPECT_TRUE(out.intact());
    Guarded<T> in_place(in, 3);
    t.dropout(static_cast<Index>(n), key, threshold, scale, in_place.data(), in_place.data());
    for (std::size_t j = 0; j < n; ++j) {
      const Words w = philox4x32_10({static_cast<std::uint32_t>(j / 4), 4, 2, 3U << 16}, 1, 0);
      const T expected = w[j % 4] >= threshold ? in[j] * scale : T(0);
      EXPECT_EQ(out[j], expected) << "n = " << n << ", column " << j;
      EXPECT_EQ(in_place[j], expected);
    }
  }
}
TEST_P(Dropout, KeptAreScaledDroppedAreZero) {
  expect_dropped(table<float>());
  expect_dropped(table<double>());
}

TEST_P(Dropout, ThresholdZeroKeepsAll) {
  const std::vector<float> in(100, 2.0F);
  std::vector<float> out(100);
  table<float>().dropout(100, {9, 9, 9}, 0, 1.0F, in.data(), out.data());
  EXPECT_EQ(out, in);
}

/// A dropped element is 0, even if it was NaN or infinite. Otherwise backward would compute 0 · inf = NaN.
TEST_P(Dropout, DroppedNaNIsZero) {
  std::vector<float> x(64, std::numeric_limits<float>::quiet_NaN());
  table<float>().dropout(64, {1, 2, 3}, 0xffffffff, 1.0F, x.data(), x.data());
  EXPECT_EQ(x, std::vector<float>(64, 0.0F));
}

TEST_P(Dropout, RateIsTheThreshold) {
  constexpr std::size_t kCount = 100000;
  std::vector<double> x(kCount, 1.0);
  table<double>().dropout(kCount, {42, 0, 0}, 0x4ccccccd, 1.0, x.data(), x.data());  // drop rate 0.3
  double kept = 0.0;
  for (const double v : x) {
    kept += v;
  }
  // Five standard deviations of a binomial distribution.
  EXPECT_NEAR(kept / kCount, 0.7, 5.0 * std::sqrt(0.3 * 0.7 / kCount));
}

}  // namespace
}  // namespace backpass::kernels

#include <backpass/random.hpp>

#include <random>
#include <utility>

#include "base/floating_point_mode.hpp"
#include "base/normal_quantile.hpp"
#include "base/philox.hpp"
#include "base/shuffle.hpp"

namespace backpass {
namespace {

/// A number in [0, bound) by Lemire's multiplication without rejection. The bias is below bound / 2^64.
std::uint64_t below(std::uint64_t bits, std::uint64_t bound) noexcept {
  const std::uint64_t low = (bits & 0xFFFFFFFFU) * bound;
  const std::uint64_t high = (bits >> 32) * bound;
  // For bound >= 2^32 the products would overflow: use the remainder. Practical permutations are shorter.
  return bound >> 32 == 0 ? (high + (low >> 32)) >> 32 : bits % bound;
}

double uniform_of(std::uint64_t bits) noexcept { return (static_cast<double>(bits >> 11) + 0.5) * 0x1p-53; }

/// Puts random elements into the places from the last one down to place `end`.
template <class Index>
void fisher_yates(std::span<Index> indices, const Philox& random, std::size_t end = 1) noexcept {
  for (std::size_t left = indices.size(); left > end; --left) {
    const auto chosen = static_cast<std::size_t>(below(random.bits(left), left));
    std::swap(indices[left - 1], indices[chosen]);
  }
}

}  // namespace

std::array<std::uint32_t, 4> Philox::block(std::uint64_t counter) const noexcept {
  return philox4x32_10({static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32),
                        static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)},
                       static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32));
}

std::uint64_t Philox::bits(std::uint64_t counter) const noexcept {
  const auto words = block(counter);
  return words[0] | std::uint64_t{words[1]} << 32;
}

double Philox::uniform(std::uint64_t counter) const noexcept {
  return in_own_mode([&] { return uniform_of(bits(counter)); });
}

double Philox::normal(std::uint64_t counter) const noexcept {
  return in_own_mode([&] { return normal_quantile(uniform_of(bits(counter))); });
}

std::uint64_t random_seed() {
  std::random_device device;
  return device() | std::uint64_t{device()} << 32;
}

void shuffle(std::span<std::uint32_t> indices, const Philox& random) noexcept { fisher_yates(indices, random); }
void shuffle(std::span<std::uint64_t> indices, const Philox& random) noexcept { fisher_yates(indices, random); }
void shuffle_last(std::span<std::uint32_t> indices, std::size_t count, const Philox& random) noexcept {
  fisher_yates(indices, random, indices.size() - count);
}

}  // namespace backpass

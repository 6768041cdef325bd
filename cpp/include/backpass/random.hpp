/// \file random.hpp
/// Counter-based random numbers: the same (seed, stream, counter) gives the same numbers on every machine,
/// instruction set and number of threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <backpass/compiler.hpp>

namespace backpass {

/// Philox4x32-10 (J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
/// A block is a pure function of key and counter; there is no state to share or to split.
class BACKPASS_EXPORT Philox {
 public:
  /// \param seed    the user's seed
  /// \param stream  what the numbers are for, so that two uses of one seed never overlap
  constexpr explicit Philox(std::uint64_t seed, std::uint64_t stream = 0) noexcept : seed_(seed), stream_(stream) {}

  /// Four independent 32-bit words for this counter.
  [[nodiscard]] std::array<std::uint32_t, 4> block(std::uint64_t counter) const noexcept;
  /// 64 random bits.
  [[nodiscard]] std::uint64_t bits(std::uint64_t counter) const noexcept;
  /// Uniform on (0, 1), 53 bits; neither end is ever returned.
  [[nodiscard]] double uniform(std::uint64_t counter) const noexcept;
  /// Standard normal, by inversion (Wichura's AS 241), with the library's own logarithm: no libm, so no surprises.
  [[nodiscard]] double normal(std::uint64_t counter) const noexcept;

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
};

/// A seed from the operating system, for when the user gave none.
[[nodiscard]] BACKPASS_EXPORT std::uint64_t random_seed();

/// Fisher–Yates: `indices` becomes a uniformly drawn permutation of itself.
BACKPASS_EXPORT void shuffle(std::span<std::uint32_t> indices, const Philox& random) noexcept;
BACKPASS_EXPORT void shuffle(std::span<std::uint64_t> indices, const Philox& random) noexcept;

}  // namespace backpass

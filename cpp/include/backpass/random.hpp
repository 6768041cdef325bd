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
/// A block is a pure function of key and counter. There is no state that threads would have to share or divide.
class BACKPASS_EXPORT Philox {
 public:
  /// \param seed    the user's seed
  /// \param stream  the purpose of the numbers: different streams of one seed never overlap
  constexpr explicit Philox(std::uint64_t seed, std::uint64_t stream = 0) noexcept : seed_(seed), stream_(stream) {}

  /// Four independent 32-bit words for this counter.
  [[nodiscard]] std::array<std::uint32_t, 4> block(std::uint64_t counter) const noexcept;
  /// 64 random bits.
  [[nodiscard]] std::uint64_t bits(std::uint64_t counter) const noexcept;
  /// Uniform on (0, 1) with 53 random bits. Never returns 0 or 1.
  [[nodiscard]] double uniform(std::uint64_t counter) const noexcept;
  /// Standard normal, by inversion (Wichura's AS 241). Uses the library's own logarithm, because results of libm differ
  /// between machines.
  [[nodiscard]] double normal(std::uint64_t counter) const noexcept;

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
};

/// A random seed from the operating system.
[[nodiscard]] BACKPASS_EXPORT std::uint64_t random_seed();

/// Permutes `indices` at random (Fisher–Yates). All permutations are equally likely.
BACKPASS_EXPORT void shuffle(std::span<std::uint32_t> indices, const Philox& random) noexcept;
BACKPASS_EXPORT void shuffle(std::span<std::uint64_t> indices, const Philox& random) noexcept;

}  // namespace backpass

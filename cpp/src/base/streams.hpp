/// The purposes of the random numbers of one seed. The two upper bits of a Philox stream name the purpose, so that
/// different purposes never draw the same numbers. Initial weights have neither bit; their stream is the layer. The
/// seeds of an ensemble's members have bit 62 and all bits below it, which no training reaches.
#pragma once

#include <cstddef>
#include <cstdint>

namespace backpass {

inline constexpr std::uint64_t kMemberStream = (std::uint64_t{1} << 63) - 1;

/// The number of shuffles of one epoch that have streams of their own.
inline constexpr std::size_t kShuffleStreams = std::size_t{1} << 14;

/// \param epoch  below 2^48
/// \param shard  below kShuffleStreams
constexpr std::uint64_t shuffle_stream(std::size_t epoch, std::size_t shard = 0) noexcept {
  return std::uint64_t{1} << 62 | static_cast<std::uint64_t>(shard) << 48 | epoch;
}

/// \param pass  number of training passes before this one, below 2^48
constexpr std::uint64_t dropout_stream(std::size_t layer, std::uint64_t pass) noexcept {
  return std::uint64_t{1} << 63 | static_cast<std::uint64_t>(layer) << 48 | pass;
}

}  // namespace backpass

/// What the numbers of one seed are for. The two upper bits of a Philox stream name the use, so that no two uses of a
/// seed draw the same numbers; initial weights have neither bit, their stream is the layer.
#pragma once

#include <cstddef>
#include <cstdint>

namespace backpass {

constexpr std::uint64_t shuffle_stream(std::size_t epoch) noexcept { return std::uint64_t{1} << 62 | epoch; }

/// \param pass  the training passes before this one, below 2^48
constexpr std::uint64_t dropout_stream(std::size_t layer, std::uint64_t pass) noexcept {
  return std::uint64_t{1} << 63 | static_cast<std::uint64_t>(layer) << 48 | pass;
}

}  // namespace backpass

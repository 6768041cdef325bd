/// A shuffle in parts, so that a long one can poll.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <backpass/random.hpp>

namespace backpass {

/// The first `count` exchanges of shuffle(indices, random): puts random elements into the last `count` places. The
/// remaining exchanges are those of shuffle(indices.first(indices.size() − count), random).
void shuffle_last(std::span<std::uint32_t> indices, std::size_t count, const Philox& random) noexcept;

}  // namespace backpass

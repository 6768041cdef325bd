/// Sums over the shards of a batch, in one binary tree: the sum of shards [0, S) is that of [0, S/2) plus that of
/// [S/2, S), and so on. S is a power of two.
#pragma once

#include <bit>
#include <cstddef>

namespace backpass::pass {

/// Adds terms in the order of the tree, with memory for log2(count) + 1 terms. The terms are in slots; slot 0 receives
/// the sum.
/// \param count    a power of two
/// \param compute  compute(i, slot) writes term i to the slot
/// \param add      add(from, to) adds slot `from` to slot `to`
template <class Compute, class Add>
void tree_sum(std::size_t count, Compute compute, Add add) {
  for (std::size_t i = 0; i < count; ++i) {
    // The slots in use are the sums of subtrees, one per bit of i.
    auto slot = static_cast<std::size_t>(std::popcount(i));
    compute(i, slot);
    for (std::size_t bits = i; (bits & 1U) != 0; bits >>= 1U, --slot) {
      add(slot, slot - 1);
    }
  }
}

/// The number of slots that tree_sum() uses.
[[nodiscard]] constexpr std::size_t tree_slots(std::size_t count) noexcept {
  return static_cast<std::size_t>(std::bit_width(count));
}

}  // namespace backpass::pass

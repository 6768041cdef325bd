/// The shards of a batch: a division of its rows that several processes can share.
///
/// The sum over the rows of a shard has the order of a batch of these rows. The sums of the shards are added in one
/// binary tree (tree_sum.hpp). So the bits depend on the number of shards, and not on the number of processes.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <variant>

#include <backpass/loss.hpp>

#include "base/function_ref.hpp"
#include "pass/share.hpp"
#include "pass/sum_order.hpp"
#include "pass/tree_sum.hpp"

namespace backpass::pass {

inline constexpr std::size_t kMostShards = 1024;

/// \throws std::invalid_argument unless the number of shards is a power of two, at most kMostShards, and if a custom
///         loss, which is a function of the whole batch, is divided
inline void check_shards(std::size_t shards, const Loss& loss) {
  if (!std::has_single_bit(shards) || shards > kMostShards) {
    throw std::invalid_argument("shards = " + std::to_string(shards) + ", but it must be a power of two from 1 to " +
                                std::to_string(kMostShards));
  }
  if (shards > 1 && std::holds_alternative<CustomLoss>(loss)) {
    throw std::invalid_argument("shards: a custom loss is a function of the whole batch, which cannot be divided");
  }
}

/// The shards of a batch that this process computes: [first, last) of `count`, where last − first and count are powers
/// of two, and first is a multiple of last − first.
struct Shards {
  std::size_t count = 1;
  std::size_t first = 0;
  std::size_t last = 1;
  std::size_t batch_rows = 0;  ///< of all shards

  /// All shards of a batch.
  [[nodiscard]] static Shards all(std::size_t count, std::size_t rows) noexcept { return {count, 0, count, rows}; }
  /// The number of the batch's row that is row 0 of this process.
  [[nodiscard]] std::size_t first_row() const noexcept { return sum_order::first_row(first, count, batch_rows); }
  [[nodiscard]] bool are_used() const noexcept { return count > 1; }
  /// The rows of shard s = first, …, last − 1. They count from row 0 of this process.
  [[nodiscard]] Rows rows_of(std::size_t s) const noexcept {
    return {sum_order::first_row(s, count, batch_rows) - first_row(),
            sum_order::first_row(s + 1, count, batch_rows) - first_row()};
  }
};

/// Σ w over the rows of the shards: the rows of a shard in order, and the shards in the order of the tree.
/// \param source  source(row) is the row's number in sample_weight
template <class T, class Source>
[[nodiscard]] double weight_sum(std::span<const T> sample_weight, const Shards& shards, Source source) {
  std::array<double, tree_slots(kMostShards)> sums{};
  tree_sum(
      shards.last - shards.first,
      [&](std::size_t s, std::size_t slot) {
        const Rows rows = shards.rows_of(shards.first + s);
        sums[slot] = 0.0;
        for (std::size_t row = rows.begin; row < rows.end; ++row) {
          sums[slot] += static_cast<double>(sample_weight[source(row)]);
        }
      },
      [&](std::size_t from, std::size_t to) { sums[to] += sums[from]; });
  return sums[0];
}

/// How a batch is divided, and what the other processes add.
template <class T>
struct Division {
  Shards shards = {};
  /// With other processes: Σ w over all rows of the batch.
  double weight_sum = 0.0;
  /// With other processes: adds their gradients to those of this process. \returns the sum of all terms of E
  std::optional<FunctionRef<double(std::span<T> gradients, double terms)>> combine = {};
};

}  // namespace backpass::pass

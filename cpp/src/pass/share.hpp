/// How the members of a team divide the layers of a block of rows.
#pragma once

#include <cstddef>

#include "base/hardware.hpp"
#include "model/model.hpp"
#include "runtime/team.hpp"

namespace backpass::pass {

/// Threads divide the rows and columns of a product in multiples of these. A register tile of 4 rows keeps the
/// multiply-add units as busy as a larger tile. 32 columns are whole vectors and whole cache lines.
inline constexpr std::size_t kRowGrain = 4;
inline constexpr std::size_t kColumnGrain = 32;

/// The numbers [begin, end): rows of a block, or columns of a layer.
struct Interval {
  std::size_t begin = 0;
  std::size_t end = 0;
  [[nodiscard]] std::size_t count() const noexcept { return end - begin; }
};
using Rows = Interval;
using Columns = Interval;

/// What one member computes of every layer, and where it waits for the other members. The result of an element does not
/// depend on the member that computes it.
class Share {
 public:
  /// The member takes these rows through all layers and does not wait for other members.
  static Share of_rows(Rows rows) noexcept { return {rows, rows, nullptr}; }
  /// The member computes some columns of every layer for all rows of the block. So the weights are loaded from memory
  /// once in total, not once per member. Functions of whole rows are computed for a part of the rows.
  static Share of_columns(const runtime::Member& member, std::size_t rows) noexcept {
    const auto [begin, end] = member.share(rows);
    return {{0, rows}, {begin, end}, &member};
  }

  /// The rows of this member's products and elementwise functions.
  [[nodiscard]] Rows rows() const noexcept { return rows_; }
  /// The rows on which this member computes functions of whole rows.
  [[nodiscard]] Rows whole_rows() const noexcept { return whole_rows_; }
  /// The columns of this member's products and elementwise functions, for a layer with `outputs` columns.
  [[nodiscard]] Columns columns(std::size_t outputs) const noexcept {
    if (team_ == nullptr) {
      return {0, outputs};
    }
    const auto [begin, end] = team_->share(outputs, kColumnGrain);
    return {begin, end};
  }
  /// Waits until all members have come here. Follows every write that other members read.
  void barrier() const {
    if (team_ != nullptr) {
      team_->barrier();
    }
  }

 private:
  Share(Rows rows, Rows whole_rows, const runtime::Member* team) noexcept
      : rows_(rows), whole_rows_(whole_rows), team_(team) {}

  Rows rows_, whole_rows_;
  const runtime::Member* team_;  ///< null if this member shares rows
};

/// The share of a member in a block of `rows` rows.
[[nodiscard]] inline Share share_of(const runtime::Member& member, bool by_columns, std::size_t rows) noexcept {
  if (by_columns) {
    return Share::of_columns(member, rows);
  }
  const auto [begin, end] = member.share(rows, kRowGrain);
  return Share::of_rows({begin, end});
}

/// True if a team should divide the columns of each layer instead of the rows of the block. This is the case if the
/// weights are too many for the caches near each member, or if the rows are so few that each weight is used only a few
/// times.
template <class T>
[[nodiscard]] bool shares_columns(const model::Model<T>& model, std::size_t rows, int threads) noexcept {
  constexpr std::size_t kWeightBytes = hardware::kL3 / 2;
  // A core loads about 2 floats per cycle from the third-level cache and computes 32 multiply-adds: with 16 rows per
  // weight, loading and computing take the same time.
  constexpr std::size_t kRowsPerThread = 16;
  return threads > 1 && (model.parameters.size() * sizeof(T) > kWeightBytes ||
                         rows < kRowsPerThread * static_cast<std::size_t>(threads));
}

}  // namespace backpass::pass

/// Which rows of a training belong to which shard.
#pragma once

#include <algorithm>
#include <cstddef>

#include "pass/shards.hpp"

namespace backpass::train {

/// The rows of an epoch, in batches of `batch_size` rows in order; the last batch has the rest. Each batch has S
/// shards. Part s is shard s of all batches. This process has the parts [first, last). Its rows have the order of the
/// batches, and within a batch the order of the shards.
class Partition {
 public:
  /// \param rows  of all processes
  Partition(std::size_t rows, std::size_t batch_size, std::size_t shards, std::size_t first, std::size_t last) noexcept
      : all_rows_(rows),
        batch_size_(std::clamp<std::size_t>(batch_size, 1, std::max<std::size_t>(rows, 1))),
        shards_(shards),
        first_(first),
        last_(last) {}

  [[nodiscard]] std::size_t batches() const noexcept {
    return all_rows_ / batch_size_ + (all_rows_ % batch_size_ == 0 ? 0 : 1);
  }
  /// The shards of a batch.
  [[nodiscard]] pass::Shards shards(std::size_t batch) const noexcept {
    return {shards_, first_, last_, std::min(batch_size_, all_rows_ - batch * batch_size_)};
  }
  /// This process's rows of a batch, of all its rows.
  [[nodiscard]] pass::Rows rows(std::size_t batch) const noexcept {
    const std::size_t begin = batch * own_rows({shards_, first_, last_, batch_size_});
    return {begin, begin + own_rows(shards(batch))};
  }
  /// This process's rows.
  [[nodiscard]] std::size_t rows() const noexcept { return batches() == 0 ? 0 : rows(batches() - 1).end; }
  /// The number of this process's first row of a batch, counted over all processes.
  [[nodiscard]] std::size_t first_row(std::size_t batch) const noexcept {
    return batch * batch_size_ + shards(batch).first_row();
  }
  /// The partition of another process, which has as many parts.
  [[nodiscard]] Partition of_rank(std::size_t rank) const noexcept {
    return {all_rows_, batch_size_, shards_, rank * num_parts(), (rank + 1) * num_parts()};
  }
  [[nodiscard]] std::size_t all_rows() const noexcept { return all_rows_; }
  [[nodiscard]] std::size_t num_shards() const noexcept { return shards_; }
  [[nodiscard]] std::size_t num_parts() const noexcept { return last_ - first_; }

  /// The shard of a row, counted over all processes.
  [[nodiscard]] std::size_t shard_of(std::size_t row) const noexcept {
    const std::size_t count = shards(row / batch_size_).batch_rows;
    // The largest s with ⌊count · s / S⌋ ≤ row % batch_size.
    return ((row % batch_size_ + 1) * shards_ - 1) / count;
  }
  /// This process's rows of a part in a batch, of all its rows. The part counts from 0, this process's first part.
  [[nodiscard]] pass::Rows rows_of_part(std::size_t part, std::size_t batch) const noexcept {
    const pass::Rows run = shards(batch).rows_of(first_ + part);
    const std::size_t start = rows(batch).begin;
    return {start + run.begin, start + run.end};
  }
  /// Calls f(part, rows) for the runs of this process's rows [begin, end) that belong to one part, in order. Parts
  /// count from 0, this process's first part.
  template <class F>
  void for_runs(std::size_t begin, std::size_t end, F f) const {
    if (begin >= end) {
      return;
    }
    const std::size_t full = std::max<std::size_t>(1, own_rows({shards_, first_, last_, batch_size_}));
    // The last batch may give this process one row more than the others.
    for (std::size_t batch = std::min(begin / full, batches() - 1); begin < end; ++batch) {
      const pass::Shards own = shards(batch);
      const std::size_t start = rows(batch).begin;
      for (std::size_t s = first_; s < last_; ++s) {
        const pass::Rows run = own.rows_of(s);
        const std::size_t from = std::max(begin, start + run.begin);
        const std::size_t to = std::min(end, start + run.end);
        if (from < to) {
          f(s - first_, pass::Rows{from, to});
        }
      }
      begin = std::max(begin, std::min(end, rows(batch).end));
    }
  }

 private:
  [[nodiscard]] static std::size_t own_rows(const pass::Shards& shards) noexcept {
    return pass::sum_order::first_row(shards.last, shards.count, shards.batch_rows) - shards.first_row();
  }

  std::size_t all_rows_;
  std::size_t batch_size_;
  std::size_t shards_;
  std::size_t first_;
  std::size_t last_;
};

}  // namespace backpass::train

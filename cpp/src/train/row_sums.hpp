/// Sums over the rows of a data set whose bits do not depend on the number of processes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "pass/tree_sum.hpp"
#include "train/group.hpp"
#include "train/partition.hpp"

namespace backpass::train {

/// A data set's rows of this process, and the processes that have the other rows.
struct SharedRows {
  Partition partition;
  Group* group;
};

/// `size` sums: over the rows of each part in order, then over the parts in the order of the tree.
class RowSums {
 public:
  RowSums(const SharedRows& rows, std::size_t size)
      : rows_(rows), size_(size), sums_(rows.partition.num_parts() * size), total_(size) {}

  void reset() noexcept { std::fill(sums_.begin(), sums_.end(), 0.0); }
  /// Calls add(row, sums) for this process's rows [begin, end), with the sums of the row's part.
  template <class F>
  void add(std::size_t begin, std::size_t end, F add) {
    rows_.partition.for_runs(begin, end, [&](std::size_t part, pass::Rows rows) {
      const std::span<double> sums = std::span(sums_).subspan(part * size_, size_);
      for (std::size_t row = rows.begin; row < rows.end; ++row) {
        add(row, sums);
      }
    });
  }
  /// The sums over all rows of all processes, which all make this call.
  std::span<const double> total() {
    const std::size_t parts = rows_.partition.num_parts();
    slots_.resize(pass::tree_slots(parts) * size_);
    pass::tree_sum(
        parts,
        [&](std::size_t part, std::size_t slot) {
          std::copy_n(sums_.begin() + static_cast<std::ptrdiff_t>(part * size_), size_,
                      slots_.begin() + static_cast<std::ptrdiff_t>(slot * size_));
        },
        [&](std::size_t from, std::size_t to) {
          for (std::size_t i = 0; i < size_; ++i) {
            slots_[to * size_ + i] += slots_[from * size_ + i];
          }
        });
    std::copy_n(slots_.begin(), size_, total_.begin());
    rows_.group->sum(std::span(total_));
    return total_;
  }

 private:
  SharedRows rows_;
  std::size_t size_;
  std::vector<double> sums_;   ///< (parts, size)
  std::vector<double> slots_;  ///< (slots, size)
  std::vector<double> total_;
};

}  // namespace backpass::train

/// Moves the rows of a data set to the processes that train with them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include <backpass/loss.hpp>
#include <backpass/matrix.hpp>

#include "runtime/interrupt.hpp"
#include "train/row_sums.hpp"

namespace backpass::train {

/// Rows of x, y and the sample weights.
template <class T>
struct DataRows {
  ConstMatrixView<T> x;
  Targets<T> y;                      ///< of all rows of x
  std::span<const T> sample_weight;  ///< one per row of x, or empty
  bool weighted = false;             ///< whether any process has weights

  [[nodiscard]] DataRows middle(std::size_t first, std::size_t count) const {
    return {x.middle_rows(first, count), y.middle_rows(first, count),
            sample_weight.empty() ? sample_weight : sample_weight.subspan(first, count), weighted};
  }
};

/// The rows that this process has received. It owns them.
template <class T>
class MovedRows {
 public:
  /// Sends each row to the process that has its shard, and receives the rows of the shards of this process. They keep
  /// their order. Every process makes this call.
  /// \param own    the rows of this process before the call
  /// \param first  the number of the first own row, counted over the processes in order
  /// \throws std::invalid_argument if some processes have weights, or labels, and others do not
  MovedRows(Group& group, const DataRows<T>& own, std::size_t first, const Partition& partition, std::size_t outputs)
      : inputs_(own.x.cols()), outputs_(outputs) {
    agree_on_kinds(group, own);
    const std::size_t shards_per_rank = partition.num_parts();
    const auto rank_of = [&](std::size_t row) { return partition.shard_of(first + row) / shards_per_rank; };
    std::vector<std::size_t> counts(group.size());
    for (std::size_t row = 0; row < own.x.rows(); ++row) {
      ++counts[rank_of(row)];
    }
    std::vector<std::vector<std::byte>> to(group.size());
    for (std::size_t rank = 0; rank < group.size(); ++rank) {
      to[rank].reserve(counts[rank] * row_bytes());
    }
    runtime::in_parts(own.x.rows(), inputs_, [&](std::size_t begin, std::size_t end) {
      for (std::size_t row = begin; row < end; ++row) {
        append(own, row, to[rank_of(row)]);
      }
    });
    std::vector<std::vector<std::byte>> from = group.distribute(std::move(to));
    reserve(partition.rows());
    for (std::vector<std::byte>& received : from) {
      take(received);
      received = {};
    }
  }

  [[nodiscard]] DataRows<T> view() const noexcept {
    const std::size_t rows = inputs_ == 0 ? 0 : x_.size() / inputs_;
    const Targets<T> y = labels_are_given_ ? Targets<T>(std::span<const std::int64_t>(labels_))
                                           : Targets<T>(ConstMatrixView<T>(y_.data(), rows, outputs_));
    return {ConstMatrixView<T>(x_.data(), rows, inputs_), y, weights_, weights_are_given_};
  }

 private:
  void agree_on_kinds(Group& group, const DataRows<T>& own) {
    constexpr std::size_t kLabels = 2;
    constexpr std::size_t kWeights = 4;
    std::size_t kind = 0;
    if (own.x.rows() > 0) {
      kind = 1 + (own.y.are_labels() ? kLabels : 0) + (own.sample_weight.empty() ? 0 : kWeights);
    }
    std::size_t common = 0;
    for (const std::size_t other : group.counts(kind)) {
      if (common != 0 && other != 0 && other != common) {
        throw std::invalid_argument("some processes have class labels or sample weights, and others do not");
      }
      common = std::max(common, other);
    }
    labels_are_given_ = (common & kLabels) != 0;
    weights_are_given_ = (common & kWeights) != 0;
  }
  template <class N>
  static void append_numbers(const N* numbers, std::size_t count, std::vector<std::byte>& to) {
    const auto bytes = std::as_bytes(std::span(numbers, count));
    to.insert(to.end(), bytes.begin(), bytes.end());
  }
  void append(const DataRows<T>& own, std::size_t row, std::vector<std::byte>& to) const {
    append_numbers(own.x.row(row), inputs_, to);
    if (labels_are_given_) {
      const std::int64_t label = own.y.label(row);
      append_numbers(&label, 1, to);
    } else {
      append_numbers(own.y.values().row(row), outputs_, to);
    }
    if (weights_are_given_) {
      append_numbers(&own.sample_weight[row], 1, to);
    }
  }
  template <class N>
  static void take_numbers(const std::byte*& from, std::size_t count, std::vector<N>& to) {
    to.resize(to.size() + count);
    std::memcpy(to.data() + (to.size() - count), from, count * sizeof(N));
    from += count * sizeof(N);
  }
  [[nodiscard]] std::size_t row_bytes() const noexcept {
    return (inputs_ + (labels_are_given_ ? 0 : outputs_) + (weights_are_given_ ? 1 : 0)) * sizeof(T) +
           (labels_are_given_ ? sizeof(std::int64_t) : 0);
  }
  void reserve(std::size_t rows) {
    x_.reserve(rows * inputs_);
    labels_.reserve(labels_are_given_ ? rows : 0);
    y_.reserve(labels_are_given_ ? 0 : rows * outputs_);
    weights_.reserve(weights_are_given_ ? rows : 0);
  }
  void take(const std::vector<std::byte>& received) {
    const std::byte* from = received.data();
    for (std::size_t row = 0; row < received.size() / row_bytes(); ++row) {
      take_numbers(from, inputs_, x_);
      if (labels_are_given_) {
        take_numbers(from, 1, labels_);
      } else {
        take_numbers(from, outputs_, y_);
      }
      if (weights_are_given_) {
        take_numbers(from, 1, weights_);
      }
    }
  }

  std::size_t inputs_;
  std::size_t outputs_;
  bool labels_are_given_ = false;
  bool weights_are_given_ = false;
  std::vector<T> x_, y_, weights_;
  std::vector<std::int64_t> labels_;
};

/// The rows of all processes, in the order of the data set. Every process makes this call.
/// \param own        (rows of this process, cols)
/// \param partition  of this process
/// \returns (all rows, cols)
template <class N>
std::vector<N> gather_rows(Group& group, const Partition& partition, std::span<const N> own, std::size_t cols) {
  const std::vector<std::byte> bytes = group.gather(std::as_bytes(own));
  std::vector<N> all(partition.all_rows() * cols);
  const std::byte* from = bytes.data();
  for (std::size_t rank = 0; rank < group.size(); ++rank) {
    const Partition theirs = partition.of_rank(rank);
    for (std::size_t batch = 0; batch < theirs.batches(); ++batch) {
      const std::size_t count = theirs.rows(batch).count() * cols;
      std::memcpy(all.data() + theirs.first_row(batch) * cols, from, count * sizeof(N));
      from += count * sizeof(N);
    }
  }
  return all;
}

}  // namespace backpass::train

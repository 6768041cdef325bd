/// Gradients of type float over many rows, summed in double precision.
///
/// A chain of n float additions has a relative error of up to n/2 · 2^-24, and similar rows come close to this bound.
/// So in a long batch each chain ends after a chunk of rows. The chunks are added in double precision, in order, and
/// the sum is rounded once. The error is then that of one chunk, for any length of the batch. A sum of type double
/// remains one chain: it still has nine digits after 1e9 rows.
#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "pass/sum_order.hpp"

namespace backpass::pass {

/// Divides the sum over rows [begin, end) into chunks. The boundaries depend only on the numbers of rows.
template <class T>
class Chunks {
 public:
  /// \param batch      rows of the whole batch, which decides whether the sum is divided
  /// \param continues  true: the sum continues an earlier one, and not from 0
  Chunks(std::size_t batch, std::size_t begin, std::size_t end, bool continues = false) noexcept
      : begin_(begin), end_(end), cuts_(are_used(batch)), continues_(continues) {}
  /// True for long batches of type float.
  [[nodiscard]] static bool are_used(std::size_t batch) noexcept {
    return std::is_same_v<T, float> && batch > sum_order::kLongBatch;
  }
  /// The number of rows from `row` to the end of its chunk, at most `most`.
  [[nodiscard]] std::size_t rows_from(std::size_t row, std::size_t most) const noexcept {
    const std::size_t left = std::min(most, end_ - row);
    return cuts_ ? std::min(left, kRows - (row - begin_) % kRows) : left;
  }
  /// True if the float sum starts from 0 at `row`, because a chunk or the whole sum begins there.
  [[nodiscard]] bool starts_at(std::size_t row) const noexcept {
    return cuts_ ? (row - begin_) % kRows == 0 : row == begin_ && !continues_;
  }
  /// True if a chunk ends before `row`, so that its gradient must be added. Always false if the sum is not divided.
  [[nodiscard]] bool ends_at(std::size_t row) const noexcept {
    return cuts_ && (row == end_ || (row - begin_) % kRows == 0);
  }
  /// True if the chunk that ends before `row` is the first term of the sum, or the last.
  [[nodiscard]] bool first_ends_at(std::size_t row) const noexcept { return row - begin_ <= kRows && !continues_; }
  [[nodiscard]] bool last_ends_at(std::size_t row) const noexcept { return row == end_; }

 private:
  static constexpr std::size_t kRows = sum_order::kChunkRows;
  std::size_t begin_;
  std::size_t end_;
  bool cuts_;
  bool continues_;
};

template <class T>
class WideSum {
 public:
  void reserve(std::size_t size) {
    if (sum_.size() < size) {
      sum_ = AlignedBuffer<double>(size, Unwritten{});  // start() comes first
    }
  }
  /// sum = g for elements [begin, end). All pointers g below have the layout of the parameters.
  void start(const T* g, std::size_t begin, std::size_t end) noexcept {
    std::copy(g + begin, g + end, sum_.data() + begin);
  }
  /// sum += g for elements [begin, end), where g is the gradient of a chunk.
  void add(const T* g, std::size_t begin, std::size_t end) noexcept {
    double* const sum = sum_.data();
    for (std::size_t i = begin; i < end; ++i) {
      sum[i] += static_cast<double>(g[i]);
    }
  }
  /// g = sum + g for elements [begin, end), where g is the gradient of the last chunk.
  void finish(T* g, std::size_t begin, std::size_t end) noexcept {
    const double* const sum = sum_.data();
    for (std::size_t i = begin; i < end; ++i) {
      g[i] = static_cast<T>(sum[i] + static_cast<double>(g[i]));
    }
  }
  /// Adds elements [begin, end) of g, the gradient of the chunk that ends before `row`. After the last chunk, g
  /// contains the whole sum. A sum that continues an earlier one must have been started with it.
  void take(const Chunks<T>& chunks, std::size_t row, T* g, std::size_t begin, std::size_t end) noexcept {
    const bool first = chunks.first_ends_at(row);
    if (chunks.last_ends_at(row)) {
      if (!first) {
        finish(g, begin, end);
      }
    } else if (first) {
      start(g, begin, end);
    } else {
      add(g, begin, end);
    }
  }

 private:
  AlignedBuffer<double> sum_;
};

/// Makes `count` sums, with memory for `size` elements each if the sums over a batch of `rows` rows are divided.
template <class T>
void reserve_wide_sums(std::vector<WideSum<T>>& sums, std::size_t count, std::size_t rows, std::size_t size) {
  if (sums.size() < count) {
    sums.resize(count);
  }
  for (WideSum<T>& sum : sums) {
    sum.reserve(Chunks<T>::are_used(rows) ? size : 0);
  }
}

}  // namespace backpass::pass

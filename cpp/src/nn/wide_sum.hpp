/// Gradients of floats over many rows, summed in double precision.
///
/// A chain of n float additions has a relative error of up to n/2 units of 2^-24, and comes near it where the rows
/// resemble each other. In a long batch, chains end after a chunk of rows; the chunks are added in double precision, in
/// order, and the sum is rounded once. The error is then that of a chunk, however long the batch is. Sums of doubles
/// stay one chain: 1e9 rows leave them nine digits.
#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "base/aligned_buffer.hpp"

namespace backpass::nn {

/// Where the sum over rows is cut; the cuts depend on the count of rows alone.
template <class T>
class Chunks {
 public:
  /// \param batch  rows of the whole batch, which decides whether there are cuts
  Chunks(std::size_t batch, std::size_t begin, std::size_t end) noexcept
      : begin_(begin), end_(end), cuts_(are_used(batch)) {}
  /// Batches of up to this many rows are not cut: there the additional pass over the sum would be felt.
  [[nodiscard]] static bool are_used(std::size_t batch) noexcept {
    constexpr std::size_t kLongBatch = 4096;
    return std::is_same_v<T, float> && batch > kLongBatch;
  }
  /// Rows from `row` on to the end of its chunk, at most `most`.
  [[nodiscard]] std::size_t rows_from(std::size_t row, std::size_t most) const noexcept {
    const std::size_t left = std::min(most, end_ - row);
    return cuts_ ? std::min(left, kRows - (row - begin_) % kRows) : left;
  }
  [[nodiscard]] bool begins_at(std::size_t row) const noexcept {
    return row == begin_ || (cuts_ && (row - begin_) % kRows == 0);
  }
  /// Whether a chunk of a long batch ends before this row: its gradient is to be added.
  [[nodiscard]] bool ends_at(std::size_t row) const noexcept {
    return cuts_ && (row == end_ || (row - begin_) % kRows == 0);
  }
  /// Whether the chunk that ends there is the first, or the last.
  [[nodiscard]] bool first_ends_at(std::size_t row) const noexcept { return row - begin_ <= kRows; }
  [[nodiscard]] bool last_ends_at(std::size_t row) const noexcept { return row == end_; }

 private:
  static constexpr std::size_t kRows = 256;
  std::size_t begin_;
  std::size_t end_;
  bool cuts_;
};

template <class T>
class WideSum {
 public:
  void reserve(std::size_t size) {
    if (sum_.size() < size) {
      sum_ = AlignedBuffer<double>(size);
    }
  }
  /// Elements [begin, end) of the sum begin with those of g.
  void start(const T* g, std::size_t begin, std::size_t end) noexcept {
    std::copy(g + begin, g + end, sum_.data() + begin);
  }
  /// Adds elements [begin, end) of a chunk's gradient g.
  void add(const T* g, std::size_t begin, std::size_t end) noexcept {
    double* const sum = sum_.data();
    for (std::size_t i = begin; i < end; ++i) {
      sum[i] += static_cast<double>(g[i]);
    }
  }
  /// g becomes the sum with g, the last chunk's gradient.
  void finish(T* g, std::size_t begin, std::size_t end) noexcept {
    const double* const sum = sum_.data();
    for (std::size_t i = begin; i < end; ++i) {
      g[i] = static_cast<T>(sum[i] + static_cast<double>(g[i]));
    }
  }
  /// Takes elements [begin, end) of the gradient g of the chunk that ends at `row`; g is the sum after the last chunk.
  /// \param continues  the sum has been started
  void take(const Chunks<T>& chunks, std::size_t row, T* g, std::size_t begin, std::size_t end,
            bool continues = false) noexcept {
    const bool first = chunks.first_ends_at(row) && !continues;
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

}  // namespace backpass::nn

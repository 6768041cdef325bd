/// \file matrix.hpp
/// Views of row-major matrices with one sample per row. A view does not own its memory and is passed by value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <variant>

#include <backpass/compiler.hpp>

namespace backpass {

/// A view of a (rows, cols) matrix of T. Element (r, c) is data[r * row_stride + c].
///
/// A call of the library throws ShapeError if a view has rows but its data pointer is null, or if the rows of an output
/// overlap (row_stride < cols). The rows of an input may overlap, e.g. windows of a time series.
template <class T>
class BasicMatrixView {
  static_assert(is_real<std::remove_const_t<T>>, "T must be float or double");

 public:
  using value_type = std::remove_const_t<T>;

  /// An empty view: no rows, no data.
  constexpr BasicMatrixView() noexcept = default;
  constexpr BasicMatrixView(T* data, std::size_t rows, std::size_t cols) noexcept
      : BasicMatrixView(data, rows, cols, cols) {}
  /// \param row_stride  distance between the starts of two rows, in elements
  constexpr BasicMatrixView(T* data, std::size_t rows, std::size_t cols, std::size_t row_stride) noexcept
      : data_(data), rows_(rows), cols_(cols), row_stride_(row_stride) {}
  /// One sample: a view of shape (1, row.size()).
  constexpr BasicMatrixView(std::span<T> row) noexcept  // NOLINT(google-explicit-constructor)
      : BasicMatrixView(row.data(), 1, row.size()) {}
  /// Converts a writable view to a read-only view.
  template <class U>
    requires(std::is_const_v<T> && std::is_same_v<U, value_type>)
  constexpr BasicMatrixView(BasicMatrixView<U> other) noexcept  // NOLINT(google-explicit-constructor)
      : BasicMatrixView(other.data(), other.rows(), other.cols(), other.row_stride()) {}

  [[nodiscard]] constexpr T* data() const noexcept { return data_; }
  [[nodiscard]] constexpr std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] constexpr std::size_t cols() const noexcept { return cols_; }
  [[nodiscard]] constexpr std::size_t row_stride() const noexcept { return row_stride_; }
  [[nodiscard]] constexpr T* row(std::size_t r) const noexcept { return data_ + r * row_stride_; }
  [[nodiscard]] constexpr T& operator()(std::size_t r, std::size_t c) const noexcept { return row(r)[c]; }
  /// Rows [first, first + count).
  [[nodiscard]] constexpr BasicMatrixView middle_rows(std::size_t first, std::size_t count) const noexcept {
    return {row(first), count, cols_, row_stride_};
  }
  /// Columns [first, first + count).
  [[nodiscard]] constexpr BasicMatrixView middle_cols(std::size_t first, std::size_t count) const noexcept {
    return {data_ + first, rows_, count, row_stride_};
  }

 private:
  T* data_ = nullptr;
  std::size_t rows_ = 0;
  std::size_t cols_ = 0;
  std::size_t row_stride_ = 0;
};

template <class T>
using MatrixView = BasicMatrixView<T>;
template <class T>
using ConstMatrixView = BasicMatrixView<const T>;

/// The targets of a training: a matrix (B, M_N), or class labels (B), one per row.
template <class T>
class Targets {
  static_assert(is_real<T>, "T must be float or double");

 public:
  Targets(ConstMatrixView<T> values) noexcept : value_(values) {}                 // NOLINT(google-explicit-constructor)
  Targets(MatrixView<T> values) noexcept : value_(ConstMatrixView<T>(values)) {}  // NOLINT(google-explicit-constructor)
  Targets(std::span<const std::int32_t> labels) noexcept : value_(labels) {}      // NOLINT(google-explicit-constructor)
  Targets(std::span<const std::int64_t> labels) noexcept : value_(labels) {}      // NOLINT(google-explicit-constructor)
  /// Any contiguous range of labels, e.g. std::vector<int>.
  template <class Range>
    requires(std::is_convertible_v<const Range&, std::span<const std::int32_t>>)
  Targets(const Range& labels) noexcept : value_(std::span<const std::int32_t>(labels)) {}  // NOLINT
  template <class Range>
    requires(std::is_convertible_v<const Range&, std::span<const std::int64_t>>)
  Targets(const Range& labels) noexcept : value_(std::span<const std::int64_t>(labels)) {}  // NOLINT

  [[nodiscard]] bool are_labels() const noexcept { return value_.index() != 0; }
  /// Number of samples.
  [[nodiscard]] std::size_t rows() const noexcept {
    return std::visit(
        [](const auto& v) -> std::size_t {
          if constexpr (requires { v.rows(); }) {
            return v.rows();
          } else {
            return v.size();
          }
        },
        value_);
  }
  /// The target matrix (B, M_N). Requires !are_labels().
  [[nodiscard]] ConstMatrixView<T> values() const noexcept { return *std::get_if<0>(&value_); }
  /// The label of row r. Requires are_labels().
  [[nodiscard]] std::int64_t label(std::size_t r) const noexcept {
    if (const auto* narrow = std::get_if<1>(&value_)) {
      return (*narrow)[r];
    }
    return (*std::get_if<2>(&value_))[r];
  }
  /// The targets of rows [first, first + count).
  [[nodiscard]] Targets middle_rows(std::size_t first, std::size_t count) const noexcept {
    return std::visit(
        [&](const auto& v) -> Targets {
          if constexpr (requires { v.rows(); }) {
            return v.middle_rows(first, count);
          } else {
            return v.subspan(first, count);
          }
        },
        value_);
  }

 private:
  std::variant<ConstMatrixView<T>, std::span<const std::int32_t>, std::span<const std::int64_t>> value_;
};

}  // namespace backpass

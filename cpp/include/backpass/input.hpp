/// \file input.hpp
/// Input rows for a network, in memory of any real element type and layout.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>

#include <backpass/compiler.hpp>
#include <backpass/matrix.hpp>

namespace backpass {

/// The type of one element in memory. float16 is IEEE 754's binary16.
enum class Element : unsigned char {
  boolean,  ///< one byte: 0 is false, all other values are true
  int8,
  uint8,
  int16,
  uint16,
  int32,
  uint32,
  int64,
  uint64,
  float16,
  float32,
  float64,
  long_double,
};

/// A (rows, cols) matrix of any real element type. Element (r, c) begins r * row_step + c * col_step bytes after
/// `data`. Steps may be negative or zero. The elements need not be aligned.
struct AnyMatrix {
  const void* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::ptrdiff_t row_step = 0;  ///< in bytes
  std::ptrdiff_t col_step = 0;  ///< in bytes
  Element element = Element::float32;
  bool swapped = false;  ///< true: the elements have the other byte order than this machine
};

/// The input rows of a network: a view of T, or an AnyMatrix. A call converts an AnyMatrix block by block, so that
/// memory does not grow with the number of rows. Every number is rounded to the nearest T, as static_cast does. A
/// number that is too large for T becomes infinite.
template <class T>
class BACKPASS_EXPORT Input {
 public:
  Input(const AnyMatrix& matrix) noexcept : any_(matrix), is_view_(false) {}  // NOLINT(google-explicit-constructor)
  /// Anything that converts to a ConstMatrixView<T>.
  template <class View>
    requires(std::convertible_to<const View&, ConstMatrixView<T>>)
  Input(const View& view) noexcept : view_(view) {}  // NOLINT(google-explicit-constructor)
  Input(const T* data, std::size_t rows, std::size_t cols) noexcept : view_(data, rows, cols) {}
  Input(const T* data, std::size_t rows, std::size_t cols, std::size_t row_stride) noexcept
      : view_(data, rows, cols, row_stride) {}

  [[nodiscard]] std::size_t rows() const noexcept { return is_view_ ? view_.rows() : any_.rows; }
  [[nodiscard]] std::size_t cols() const noexcept { return is_view_ ? view_.cols() : any_.cols; }
  /// True if the memory needs no conversion.
  [[nodiscard]] bool is_view() const noexcept { return is_view_; }
  [[nodiscard]] const ConstMatrixView<T>& view() const noexcept { return view_; }  ///< requires is_view()
  [[nodiscard]] const AnyMatrix& any() const noexcept { return any_; }             ///< requires !is_view()
  [[nodiscard]] const void* data() const noexcept { return is_view_ ? view_.data() : any_.data; }
  /// True if this matrix and `out` certainly share no memory: Network::predict() accepts such a pair.
  [[nodiscard]] bool is_apart_from(MatrixView<T> out) const noexcept;
  /// Copies rows [first, first + to.rows()) and converts them to T. \param to  (any number of rows, cols())
  void read(std::size_t first, MatrixView<T> to) const;

 private:
  ConstMatrixView<T> view_ = {};
  AnyMatrix any_ = {};
  bool is_view_ = true;
};

}  // namespace backpass

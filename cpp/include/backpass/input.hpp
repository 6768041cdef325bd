/// \file input.hpp
/// Rows for a network from memory of any real type and layout.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>

#include <backpass/compiler.hpp>
#include <backpass/matrix.hpp>

namespace backpass {

/// The type of one number in memory. float16 is IEEE 754's binary16.
enum class Element : unsigned char {
  boolean,  ///< one byte, 0 or not
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

/// rows × cols numbers of any real type, anywhere in memory and aligned to nothing: element (r, c) begins
/// r * row_step + c * col_step bytes after `data`. Steps may be negative, or zero.
struct AnyMatrix {
  const void* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::ptrdiff_t row_step = 0;
  std::ptrdiff_t col_step = 0;
  Element element = Element::float32;
  bool swapped = false;  ///< the bytes of an element lie in the opposite of this machine's order
};

/// The rows that a network is given: a view of T, or an AnyMatrix, which the call converts block by block on its way,
/// so that memory does not grow with the rows. Every number is rounded to the nearest T, as static_cast does; what is
/// too large for T becomes infinite.
template <class T>
class BACKPASS_EXPORT Input {
 public:
  Input(const AnyMatrix& matrix) noexcept : any_(matrix), is_view_(false) {}  // NOLINT(google-explicit-constructor)
  /// Anything that is a view of T.
  template <class View>
    requires(std::convertible_to<const View&, ConstMatrixView<T>>)
  Input(const View& view) noexcept : view_(view) {}  // NOLINT(google-explicit-constructor)
  Input(const T* data, std::size_t rows, std::size_t cols) noexcept : view_(data, rows, cols) {}
  Input(const T* data, std::size_t rows, std::size_t cols, std::size_t row_stride) noexcept
      : view_(data, rows, cols, row_stride) {}

  [[nodiscard]] std::size_t rows() const noexcept { return is_view_ ? view_.rows() : any_.rows; }
  [[nodiscard]] std::size_t cols() const noexcept { return is_view_ ? view_.cols() : any_.cols; }
  /// Whether the memory needs no conversion.
  [[nodiscard]] bool is_view() const noexcept { return is_view_; }
  [[nodiscard]] const ConstMatrixView<T>& view() const noexcept { return view_; }  ///< when is_view()
  [[nodiscard]] const AnyMatrix& any() const noexcept { return any_; }             ///< when not is_view()
  [[nodiscard]] const void* data() const noexcept { return is_view_ ? view_.data() : any_.data; }
  /// Copies rows [first, first + to.rows()), converted. \param to  (any count of rows, cols())
  void read(std::size_t first, MatrixView<T> to) const;

 private:
  ConstMatrixView<T> view_ = {};
  AnyMatrix any_ = {};
  bool is_view_ = true;
};

}  // namespace backpass

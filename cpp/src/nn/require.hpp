/// Checks of the matrices that a caller passes. Each costs a few comparisons: a prediction of one row takes half a
/// microsecond. The messages are made elsewhere, so that these functions stay small enough to be inlined.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <utility>

#include <backpass/input.hpp>
#include <backpass/matrix.hpp>

namespace backpass::nn {

/// \throws ShapeError always
[[noreturn]] void refuse_null(std::string_view name, std::size_t rows, std::size_t cols);
[[noreturn]] void refuse_stride(std::string_view name, std::size_t row_stride, std::size_t cols);
[[noreturn]] void refuse_overlap(std::string_view in, std::string_view out);

/// The first byte of a matrix and the one after its last; twice the same when it has no elements.
[[nodiscard]] std::pair<const void*, const void*> extent(const AnyMatrix& matrix) noexcept;

/// \throws ShapeError when there are rows and no data
template <class T>
void require_data(std::string_view name, const BasicMatrixView<T>& matrix) {
  if (matrix.data() == nullptr && matrix.rows() != 0) {
    refuse_null(name, matrix.rows(), matrix.cols());
  }
}

/// \throws ShapeError as require_data, or when a row overlaps the next one
template <class T>
void require_writable(std::string_view name, const MatrixView<T>& matrix) {
  require_data(name, matrix);
  if (matrix.row_stride() < matrix.cols() && matrix.rows() > 1) {
    refuse_stride(name, matrix.row_stride(), matrix.cols());
  }
}

/// Whether no element belongs to both, for certain. `out` is writable in the sense of require_writable.
template <class T>
[[nodiscard]] bool are_apart(ConstMatrixView<T> in, MatrixView<T> out) noexcept {
  if (in.rows() == 0 || out.rows() == 0) {
    return true;
  }
  const std::less_equal<const T*> before;  // defined for pointers into different arrays too
  const T* const in_end = in.row(in.rows() - 1) + in.cols();
  const T* const out_end = out.row(out.rows() - 1) + out.cols();
  if (before(in_end, out.data()) || before(out_end, in.data())) {
    return true;
  }
  // Different columns of one array: `to_out` elements lie between the start of a row of `in` and of the next row of
  // `out`.
  const std::size_t stride = out.row_stride();
  if (in.row_stride() != stride || in.cols() + out.cols() > stride) {
    return false;
  }
  const std::size_t between = before(in.data(), out.data()) ? static_cast<std::size_t>(out.data() - in.data()) % stride
                                                            : static_cast<std::size_t>(in.data() - out.data()) % stride;
  const std::size_t to_out = before(in.data(), out.data()) || between == 0 ? between : stride - between;
  return to_out >= in.cols() && to_out + out.cols() <= stride;
}

/// \throws ShapeError unless the two are apart
template <class T>
void require_apart(std::string_view in_name, ConstMatrixView<T> in, std::string_view out_name, MatrixView<T> out) {
  if (!are_apart(in, out)) {
    refuse_overlap(in_name, out_name);
  }
}

/// The same for memory of any type: no byte of `out` may lie between the first and the last byte of `in`.
template <class T>
void require_apart(std::string_view in_name, const Input<T>& in, std::string_view out_name, MatrixView<T> out) {
  if (in.is_view()) {
    require_apart(in_name, in.view(), out_name, out);
  } else if (const auto [begin, end] = extent(in.any());
             begin != end && out.rows() != 0 && !std::less_equal<>()(end, static_cast<const void*>(out.data())) &&
             !std::less_equal<>()(static_cast<const void*>(out.row(out.rows() - 1) + out.cols()), begin)) {
    refuse_overlap(in_name, out_name);
  }
}

/// \throws ShapeError unless the two are apart, or one and the same
template <class T>
void require_same_or_apart(std::string_view in_name, ConstMatrixView<T> in, std::string_view out_name,
                           MatrixView<T> out) {
  if (in.data() != out.data() || in.row_stride() != out.row_stride()) {
    require_apart(in_name, in, out_name, out);
  }
}

}  // namespace backpass::nn

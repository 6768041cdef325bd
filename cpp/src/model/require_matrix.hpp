/// Checks of the matrices that a caller passes. Each check is only a few comparisons, because a prediction of one row
/// takes half a microsecond. Other functions make the messages, so that the checks are small enough to inline.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include <backpass/input.hpp>
#include <backpass/matrix.hpp>

namespace backpass::model {

/// \throws ShapeError always
[[noreturn]] void refuse_shape(std::string_view name, std::size_t rows, std::size_t cols, std::size_t expected_rows,
                               std::size_t expected_cols);
[[noreturn]] void refuse_null(std::string_view name, std::size_t rows, std::size_t cols);
[[noreturn]] void refuse_stride(std::string_view name, std::size_t row_stride, std::size_t cols);
[[noreturn]] void refuse_overlap(std::string_view in, std::string_view out);

/// \throws ShapeError unless (rows, cols) is (expected_rows, expected_cols)
inline void require_shape(std::string_view name, std::size_t rows, std::size_t cols, std::size_t expected_rows,
                          std::size_t expected_cols) {
  if (rows != expected_rows || cols != expected_cols) {
    refuse_shape(name, rows, cols, expected_rows, expected_cols);
  }
}

/// \throws ShapeError if the matrix has rows but no data
template <class T>
void require_data(std::string_view name, const BasicMatrixView<T>& matrix) {
  if (matrix.data() == nullptr && matrix.rows() != 0) {
    refuse_null(name, matrix.rows(), matrix.cols());
  }
}

/// \throws ShapeError as require_data(), or if a row overlaps the next row
template <class T>
void require_writable(std::string_view name, const MatrixView<T>& matrix) {
  require_data(name, matrix);
  if (matrix.row_stride() < matrix.cols() && matrix.rows() > 1) {
    refuse_stride(name, matrix.row_stride(), matrix.cols());
  }
}

/// \throws ShapeError unless the matrix is (rows, cols) and has data
template <class T>
void require_input(std::string_view name, ConstMatrixView<T> matrix, std::size_t rows, std::size_t cols) {
  require_shape(name, matrix.rows(), matrix.cols(), rows, cols);
  require_data(name, matrix);
}

/// \throws ShapeError unless the matrix is (rows, cols), has data, and has rows that do not overlap
template <class T>
void require_output(std::string_view name, MatrixView<T> matrix, std::size_t rows, std::size_t cols) {
  require_shape(name, matrix.rows(), matrix.cols(), rows, cols);
  require_writable(name, matrix);
}

/// True if the matrices certainly have no common element. `out` must have passed require_writable().
template <class T>
[[nodiscard]] bool are_apart(ConstMatrixView<T> in, MatrixView<T> out) noexcept {
  if (in.rows() == 0 || out.rows() == 0) {
    return true;
  }
  const std::less_equal<const T*> before;  // unlike <=, also defined for pointers into different arrays
  const T* const in_end = in.row(in.rows() - 1) + in.cols();
  const T* const out_end = out.row(out.rows() - 1) + out.cols();
  if (before(in_end, out.data()) || before(out_end, in.data())) {
    return true;
  }
  // The matrices may be different columns of one array. to_out is the distance in elements from the start of a row of
  // `in` to the start of the next row of `out`.
  const std::size_t stride = out.row_stride();
  if (in.row_stride() != stride || in.cols() + out.cols() > stride) {
    return false;
  }
  const std::size_t between = before(in.data(), out.data()) ? static_cast<std::size_t>(out.data() - in.data()) % stride
                                                            : static_cast<std::size_t>(in.data() - out.data()) % stride;
  const std::size_t to_out = before(in.data(), out.data()) || between == 0 ? between : stride - between;
  return to_out >= in.cols() && to_out + out.cols() <= stride;
}

/// \throws ShapeError unless are_apart(in, out)
template <class T>
void require_apart(std::string_view in_name, ConstMatrixView<T> in, std::string_view out_name, MatrixView<T> out) {
  if (!are_apart(in, out)) {
    refuse_overlap(in_name, out_name);
  }
}

/// The same for an Input.
template <class T>
void require_apart(std::string_view in_name, const Input<T>& in, std::string_view out_name, MatrixView<T> out) {
  if (in.is_view() ? !are_apart(in.view(), out) : !in.is_apart_from(out)) {
    refuse_overlap(in_name, out_name);
  }
}

/// \throws ShapeError unless the matrices are identical or are_apart(in, out)
template <class T>
void require_same_or_apart(std::string_view in_name, ConstMatrixView<T> in, std::string_view out_name,
                           MatrixView<T> out) {
  if (in.data() != out.data() || in.row_stride() != out.row_stride()) {
    require_apart(in_name, in, out_name, out);
  }
}

}  // namespace backpass::model

/// What users pass as arrays, seen as the core's views: without a copy where the memory allows it, else after exactly
/// one; and rows of any real dtype and layout, which the core converts block by block.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <backpass/input.hpp>
#include <backpass/matrix.hpp>

#include "annotations.hpp"

namespace backpass::python {

/// A matrix with the memory behind it.
template <class T>
struct MatrixInput {
  ConstMatrixView<T> view;
  bool single = false;  ///< was 1-D: one sample
  py::object memory;
};
/// The same of rows that need not be converted at once.
template <class T>
struct RowsInput {
  Input<T> view;
  bool single = false;
  py::object memory;
};
template <class T>
struct TargetsInput {
  Targets<T> view;
  py::object memory;
};
template <class T>
struct WeightsInput {
  std::span<const T> view;
  py::object memory;
};

/// An array-like, buffer or DLPack object as an array of a real dtype.
/// \throws py::type_error for complex, object, string and other dtypes that are no real numbers
py::array to_real_array(py::handle object, const char* name);
/// "(3, 4)"
std::string shape_text(const py::array& array);

/// x (B, cols), or (cols,) as a single sample.
template <class T>
MatrixInput<T> to_matrix(py::handle x, std::size_t cols, const char* name);
/// The same without a copy, unless the dtype is one that the core does not know.
template <class T>
RowsInput<T> to_rows(py::handle x, std::size_t cols, const char* name);
/// Values that belong to outputs (rows, cols): that shape; (cols,) for a single sample; (rows,) when cols is 1.
template <class T>
MatrixInput<T> to_output_matrix(py::handle values, std::size_t rows, std::size_t cols, bool single, const char* name);

/// What a one-dimensional array of targets is.
enum class LabelRule {
  never,   ///< values
  always,  ///< class labels, so it must be integers: the cross-entropies
  integer  ///< class labels when integer and there is more than one output: a Custom loss
};
template <class T>
TargetsInput<T> to_targets(py::handle y, std::size_t rows, std::size_t cols, bool single, LabelRule rule,
                           const char* name = "y");
/// One weight a row; empty for None.
template <class T>
WeightsInput<T> to_weights(py::handle weights, std::size_t rows, bool single);

/// `out` as a writable view: it must have exactly this dtype and shape, and rows without gaps between elements.
template <class T>
MatrixView<T> to_output(py::handle out, std::size_t rows, std::size_t cols, bool single);

/// A new array for (rows, cols), one-dimensional for a single sample.
template <class T>
py::array_t<T> new_array(std::size_t rows, std::size_t cols, bool single);
template <class T>
MatrixView<T> view_of(py::array_t<T>& array, std::size_t rows, std::size_t cols);
/// A copy of a view.
template <class T>
py::array_t<T> copy_of(ConstMatrixView<T> view, bool single);
/// source (any array-like) into a strided one- or two-dimensional array, cast to its dtype; shapes must be equal.
void assign(const py::array& target, py::handle source, const char* name);

}  // namespace backpass::python

/// Converts array arguments to views of the core: without a copy if the memory layout allows it, otherwise with exactly
/// one copy. RowsInput also describes rows of any real dtype and layout, which the core converts block by block.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <backpass/input.hpp>
#include <backpass/loss.hpp>
#include <backpass/matrix.hpp>

#include "annotations.hpp"

namespace backpass::python {

/// A matrix view (B, cols) and the Python object that owns its memory.
template <class T>
struct MatrixInput {
  ConstMatrixView<T> view;
  bool single = false;  ///< the argument was one-dimensional: one sample
  py::object memory;
};
/// The same for rows that the core may convert block by block.
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

/// Converts an array-like, buffer or DLPack object to an array of a real dtype.
/// \throws py::type_error for complex, object, string and other dtypes that are not real
py::array to_real_array(py::handle object, const char* name);
/// Whether the dtype is float32, of any byte order.
bool is_float32(const py::array& array);
/// The shape as text. Example: "(3, 4)".
std::string shape_text(const py::array& array);

/// x of shape (B, cols), or (cols,) for a single sample.
template <class T>
MatrixInput<T> to_matrix(py::handle x, std::size_t cols, const char* name);
/// The same, but a matrix (B, cols) is only copied if the core does not know its dtype.
template <class T>
RowsInput<T> to_rows(py::handle x, std::size_t cols, const char* name);
/// Values for outputs (rows, cols). Accepted shapes: (rows, cols); (cols,) for a single sample; (rows,) if cols is 1;
/// () for a single sample if cols is 1.
template <class T>
MatrixInput<T> to_output_matrix(py::handle values, std::size_t rows, std::size_t cols, bool single, const char* name);

/// How a one-dimensional array of targets is interpreted.
enum class LabelRule {
  never,   ///< as values
  always,  ///< as class labels, which must be integers: the cross-entropies
  integer  ///< as class labels if the dtype is integer and there is more than one output: a Custom loss
};
[[nodiscard]] LabelRule label_rule(const Loss& loss) noexcept;
template <class T>
TargetsInput<T> to_targets(py::handle y, std::size_t rows, std::size_t cols, bool single, LabelRule rule,
                           const char* name = "y");
/// Sample weights (rows,); an empty span for None.
template <class T>
WeightsInput<T> to_weights(py::handle weights, std::size_t rows, bool single);

/// `out` as a writable view. It must have dtype T and shape (rows, cols), or (cols,) for a single sample. Its rows must
/// be contiguous and must not overlap.
template <class T>
MatrixView<T> to_output(py::handle out, std::size_t rows, std::size_t cols, bool single);

/// A new array (rows, cols), or (cols,) for a single sample.
template <class T>
py::array_t<T> new_array(std::size_t rows, std::size_t cols, bool single);
template <class T>
MatrixView<T> view_of(py::array_t<T>& array, std::size_t rows, std::size_t cols);
/// A new array with a copy of the view. Runs the handlers of pending signals during a long copy.
template <class T>
py::array_t<T> copy_of(ConstMatrixView<T> view, bool single);
/// Copies `source` (any array-like) into `target`, a strided one- or two-dimensional array, and casts to the dtype of
/// `target`. The shapes must be equal.
void assign(const py::array& target, py::handle source, const char* name);

}  // namespace backpass::python

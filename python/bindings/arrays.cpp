#include "arrays.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

#include "gil.hpp"

namespace backpass::python {
namespace {

/// The function `name` of numpy. `cache` keeps the result of the first look-up.
py::object& numpy_function(py::gil_safe_call_once_and_store<py::object>& cache, const char* name) {
  return cache.call_once_and_store_result([name] { return py::module_::import("numpy").attr(name); }).get_stored();
}

py::array asarray(py::handle object) {
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> cache;
  return call_python(numpy_function(cache, "asarray"), py::make_tuple(object));
}

/// An array from an object of another library, or of a dtype that NumPy does not have: python/backpass/_inputs.py.
py::array array_of(py::handle object, const char* name) {
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> cache;
  const py::object& to_array =
      cache.call_once_and_store_result([] { return py::module_::import("backpass._inputs").attr("to_array"); })
          .get_stored();
  return call_python(to_array, py::make_tuple(object, name));
}

py::array from_dlpack(py::handle object) {
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> cache;
  return call_python(numpy_function(cache, "from_dlpack"), py::make_tuple(object));
}

/// Converts any dtype, byte order and strides to `dtype`, native byte order and C order, with at most one copy.
py::array convert(const py::array& array, const py::dtype& dtype) {
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> cache;
  return call_python(numpy_function(cache, "require"), py::make_tuple(array, dtype, py::make_tuple("C", "A")));
}

/// Whether the object supports DLPack but none of the protocols of numpy.asarray.
bool only_dlpack(py::handle object) {
  return hold_at_exit([object] {
    return py::hasattr(object, "__dlpack__") && !py::hasattr(object, "__array__") &&
           !py::hasattr(object, "__array_interface__") && PyObject_CheckBuffer(object.ptr()) == 0;
  });
}

/// The dtype as NumPy prints it. Example: "float32".
std::string dtype_text(const py::array& array) {
  const auto str = py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(&PyUnicode_Type));
  return py::str(call_python(str, py::make_tuple(array.dtype())));
}

bool is_native(const py::array& array) {
  const char order = array.dtype().byteorder();
  return (order == '=' || order == '|') &&
         (static_cast<unsigned>(array.flags()) & py::detail::npy_api::NPY_ARRAY_ALIGNED_) != 0;
}

template <class T>
bool holds(const py::array& array) {
  return array.dtype().num() == py::dtype::num_of<T>() && is_native(array);
}

std::size_t extent(const py::array& array, int axis) { return static_cast<std::size_t>(array.shape()[axis]); }

/// Whether a view of an array that holds<T>() can have a row stride of `stride` bytes. The array is aligned, so the
/// stride is a multiple of the size of T.
template <class T>
bool is_row_stride(py::ssize_t stride) {
  static_assert(alignof(T) == sizeof(T));
  return stride >= 0;
}

/// Makes a view of a two-dimensional array if the layout allows it. Rows may overlap, because the view is only read.
/// \returns whether it does
template <class T>
bool view_rows(const py::array& array, ConstMatrixView<T>& view) {
  if (!holds<T>(array)) {
    return false;
  }
  const std::size_t rows = extent(array, 0);
  const std::size_t cols = extent(array, 1);
  const auto* strides = array.strides();
  // The strides of an empty array, and of an axis with at most one element, have no meaning.
  const bool gaps = rows > 0 && cols > 1 && strides[1] != static_cast<py::ssize_t>(sizeof(T));
  if (gaps || (rows > 1 && !is_row_stride<T>(strides[0]))) {
    return false;
  }
  const std::size_t stride = rows > 1 ? static_cast<std::size_t>(strides[0]) / sizeof(T) : cols;
  view = {static_cast<const T*>(array.data()), rows, cols, stride};
  return true;
}

/// Makes a view (n, 1) of a one-dimensional array (n,) if the layout allows it. \returns whether it does
template <class T>
bool view_column(const py::array& array, ConstMatrixView<T>& view) {
  if (!holds<T>(array) || (extent(array, 0) > 1 && !is_row_stride<T>(array.strides()[0]))) {
    return false;
  }
  const std::size_t n = extent(array, 0);
  const std::size_t stride = n > 1 ? static_cast<std::size_t>(array.strides()[0]) / sizeof(T) : 1;
  view = {static_cast<const T*>(array.data()), n, 1, stride};
  return true;
}

template <class T>
bool is_contiguous_vector(const py::array& array) {
  return extent(array, 0) <= 1 || array.strides()[0] == static_cast<py::ssize_t>(sizeof(T));
}

template <class T>
ConstMatrixView<T> view_contiguous(const py::array& array, std::size_t rows, std::size_t cols) {
  return {static_cast<const T*>(array.data()), rows, cols};
}

/// The element type for a dtype; nullopt if the core does not know the dtype.
std::optional<Element> element_of(const py::dtype& dtype) {
  struct Known {
    char kind;
    std::size_t size;
    Element element;
  };
  static constexpr std::array kKnown{Known{'b', 1, Element::boolean},
                                     Known{'i', 1, Element::int8},
                                     Known{'u', 1, Element::uint8},
                                     Known{'i', 2, Element::int16},
                                     Known{'u', 2, Element::uint16},
                                     Known{'i', 4, Element::int32},
                                     Known{'u', 4, Element::uint32},
                                     Known{'i', 8, Element::int64},
                                     Known{'u', 8, Element::uint64},
                                     Known{'f', 2, Element::float16},
                                     Known{'f', 4, Element::float32},
                                     Known{'f', 8, Element::float64},
                                     Known{'f', sizeof(long double), Element::long_double}};
  for (const Known& known : kKnown) {  // a long double of 8 bytes matches float64 first
    if (dtype.kind() == known.kind && static_cast<std::size_t>(dtype.itemsize()) == known.size) {
      return known.element;
    }
  }
  return std::nullopt;
}

/// Describes the memory layout of a two-dimensional array; nullopt if the core does not know the dtype.
std::optional<AnyMatrix> describe(const py::array& array) {
  const py::dtype dtype = array.dtype();
  const std::optional<Element> element = element_of(dtype);
  if (!element) {
    return std::nullopt;
  }
  const char order = dtype.byteorder();  // NumPy's name of the native order is '='
  return AnyMatrix{.data = array.data(),
                   .rows = extent(array, 0),
                   .cols = extent(array, 1),
                   .row_step = array.strides()[0],
                   .col_step = array.strides()[1],
                   .element = *element,
                   .swapped = order == '<' || order == '>'};
}

/// A two-dimensional array as a new array of T in C order. A signal ends the conversion of a large array.
template <class T>
py::array convert_rows(const py::array& array) {
  const std::optional<AnyMatrix> any = describe(array);
  if (!any) {
    return convert(array, py::dtype::of<T>());
  }
  const Input<T> rows(*any);
  py::array_t<T> result = new_array<T>(rows.rows(), rows.cols(), false);
  T* const out = result.mutable_data();
  in_parts_with_signals(
      rows.rows(),
      [&](std::size_t begin, std::size_t end) {
        rows.read(begin, {out + begin * rows.cols(), end - begin, rows.cols()});
      },
      rows.cols());
  return result;
}

template <class T>
MatrixInput<T> rows_of(py::array array) {
  MatrixInput<T> input;
  if (!view_rows<T>(array, input.view)) {
    array = convert_rows<T>(array);
    input.view = view_contiguous<T>(array, extent(array, 0), extent(array, 1));
  }
  input.memory = std::move(array);
  return input;
}

/// A one-dimensional array (n,) as one row (1, n).
template <class T>
MatrixInput<T> row_of(py::array array) {
  if (!holds<T>(array) || !is_contiguous_vector<T>(array)) {
    array = convert(array, py::dtype::of<T>());
  }
  return {view_contiguous<T>(array, 1, extent(array, 0)), true, array};
}

/// A one-dimensional array (n,) as one column (n, 1).
template <class T>
MatrixInput<T> column_of(py::array array) {
  MatrixInput<T> input;
  if (!view_column<T>(array, input.view)) {
    array = convert(array, py::dtype::of<T>());
    input.view = view_contiguous<T>(array, extent(array, 0), 1);
  }
  input.memory = std::move(array);
  return input;
}

/// A shape as Python writes it: "(2, 3)", "(2,)".
template <class... Extents>
std::string extents_text(Extents... extents) {
  return py::str(py::make_tuple(extents...));
}

[[noreturn]] void wrong_shape(const char* name, const py::array& array, const std::string& expected) {
  throw py::value_error(std::string(name) + " has shape " + shape_text(array) + "; expected " + expected);
}

/// The shapes that to_output_matrix accepts, for messages.
std::string outputs_text(std::size_t rows, std::size_t cols, bool single) {
  if (single) {
    return extents_text(cols);
  }
  return extents_text(rows, cols) + (cols == 1 ? " or " + extents_text(rows) : "");
}

template <class T>
TargetsInput<T> to_labels(py::array array) {
  const bool contiguous = array.size() <= 1 || array.strides()[0] == array.itemsize();
  const bool usable = contiguous && array.dtype().kind() == 'i' && array.itemsize() >= 4 && is_native(array);
  if (!usable) {
    array = convert(array, py::dtype::of<std::int64_t>());
  }
  const auto n = static_cast<std::size_t>(array.size());
  if (array.itemsize() == 4) {
    return {std::span(static_cast<const std::int32_t*>(array.data()), n), array};
  }
  return {std::span(static_cast<const std::int64_t*>(array.data()), n), array};
}

bool holds_integers(const py::array& array) {
  const char kind = array.dtype().kind();
  return kind == 'i' || kind == 'u' || kind == 'b' || array.size() == 0;
}

}  // namespace

bool is_float32(const py::array& array) { return array.dtype().kind() == 'f' && array.itemsize() == sizeof(float); }

std::string shape_text(const py::array& array) { return py::str(array.attr("shape")); }

py::array to_real_array(py::handle object, const char* name) {
  const bool is_array = Py_TYPE(object.ptr()) == py::detail::npy_api::get().PyArray_Type_;  // and not a subclass
  const bool is_list = PyList_CheckExact(object.ptr()) != 0 || PyTuple_CheckExact(object.ptr()) != 0;
  py::array array = is_array              ? py::reinterpret_borrow<py::array>(object)
                    : is_list             ? asarray(object)
                    : only_dlpack(object) ? from_dlpack(object)
                                          : array_of(object, name);
  const auto is_real = [&] { return std::strchr("fiub", array.dtype().kind()) != nullptr; };
  if (is_array && !is_real()) {
    array = array_of(object, name);
  }
  if (!is_real()) {
    throw py::type_error(std::string(name) + " has dtype " + dtype_text(array) + "; expected real numbers");
  }
  return array;
}

template <class T>
MatrixInput<T> to_matrix(py::handle x, std::size_t cols, const char* name) {
  py::array array = to_real_array(x, name);
  const auto ndim = array.ndim();
  if (ndim == 2 && extent(array, 1) == cols) {
    return rows_of<T>(std::move(array));
  }
  if (ndim == 1 && extent(array, 0) == cols) {
    return row_of<T>(std::move(array));
  }
  wrong_shape(name, array, "(B, " + std::to_string(cols) + ") or, for one sample, " + extents_text(cols));
}

template <class T>
RowsInput<T> to_rows(py::handle x, std::size_t cols, const char* name) {
  py::array array = to_real_array(x, name);
  ConstMatrixView<T> view;
  if (array.ndim() == 2 && extent(array, 1) == cols && !view_rows<T>(array, view)) {
    if (const std::optional<AnyMatrix> any = describe(array)) {
      return {*any, false, std::move(array)};
    }
  }
  MatrixInput<T> converted = to_matrix<T>(array, cols, name);
  return {converted.view, converted.single, std::move(converted.memory)};
}

template <class T>
MatrixInput<T> to_output_matrix(py::handle values, std::size_t rows, std::size_t cols, bool single, const char* name) {
  py::array array = to_real_array(values, name);
  const auto ndim = array.ndim();
  if (ndim == 2 && extent(array, 0) == rows && extent(array, 1) == cols) {
    return rows_of<T>(std::move(array));
  }
  if (ndim == 1 && single && extent(array, 0) == cols) {
    return row_of<T>(std::move(array));
  }
  if (ndim == 1 && cols == 1 && extent(array, 0) == rows) {
    return column_of<T>(std::move(array));
  }
  if (ndim == 0 && single && cols == 1) {
    return row_of<T>(array.reshape({1}));
  }
  wrong_shape(name, array, outputs_text(rows, cols, single));
}

template <class T>
TargetsInput<T> to_targets(py::handle y, std::size_t rows, std::size_t cols, bool single, LabelRule rule,
                           const char* name) {
  py::array array = to_real_array(y, name);
  const auto ndim = array.ndim();
  const bool one_a_row = ndim == 0 ? single : ndim == 1 && extent(array, 0) == rows;
  if (rule == LabelRule::always) {
    const bool distributions = ndim == 2 ? extent(array, 0) == rows && extent(array, 1) == cols
                                         : ndim == 1 && single && extent(array, 0) == cols;
    if (!one_a_row && !distributions) {
      wrong_shape(name, array,
                  extents_text(rows) + " integer labels, or distributions: " + outputs_text(rows, cols, single));
    }
    if (one_a_row && !holds_integers(array)) {
      throw py::type_error(std::string(name) + " has dtype " + dtype_text(array) + " and shape " + shape_text(array) +
                           "; a cross-entropy takes " + extents_text(rows) +
                           " labels of an integer dtype, or distributions " + extents_text(rows, cols));
    }
  }
  const bool labels =
      one_a_row && (rule == LabelRule::always || (rule == LabelRule::integer && cols > 1 && holds_integers(array)));
  if (labels) {
    return to_labels<T>(std::move(array));
  }
  MatrixInput<T> values = to_output_matrix<T>(array, rows, cols, single, name);
  return {values.view, std::move(values.memory)};
}

template <class T>
WeightsInput<T> to_weights(py::handle weights, std::size_t rows, bool single) {
  if (weights.is_none()) {
    return {};
  }
  py::array array = to_real_array(weights, "sample_weight");
  if (array.ndim() == 0 && single) {
    array = array.reshape({1});
  }
  if (array.ndim() != 1 || extent(array, 0) != rows) {
    wrong_shape("sample_weight", array, extents_text(rows));
  }
  MatrixInput<T> row = row_of<T>(std::move(array));
  return {std::span(row.view.data(), rows), std::move(row.memory)};
}

template <class T>
MatrixView<T> to_output(py::handle out, std::size_t rows, std::size_t cols, bool single) {
  if (!py::isinstance<py::array>(out)) {
    throw py::type_error("out must be a numpy.ndarray, not " +
                         std::string(py::str(py::type::of(out).attr("__name__"))));
  }
  auto array = py::reinterpret_borrow<py::array>(out);
  if (!holds<T>(array)) {
    throw py::type_error("out has dtype " + dtype_text(array) + "; expected an aligned, native " +
                         backpass::type_name<T>);
  }
  const bool fits = single ? array.ndim() == 1 && extent(array, 0) == cols
                           : array.ndim() == 2 && extent(array, 0) == rows && extent(array, 1) == cols;
  if (!fits) {
    wrong_shape("out", array, single ? extents_text(cols) : extents_text(rows, cols));
  }
  if (!array.writeable()) {
    throw py::value_error("out is read-only");
  }
  T* data = static_cast<T*>(array.mutable_data());
  if (single) {
    if (!is_contiguous_vector<T>(array)) {
      throw py::value_error("out must be contiguous");
    }
    return {data, 1, cols};
  }
  const auto* strides = array.strides();
  const auto packed = static_cast<py::ssize_t>(cols * sizeof(T));
  // Overlapping rows would overwrite each other.
  if ((rows > 0 && cols > 1 && strides[1] != static_cast<py::ssize_t>(sizeof(T))) ||
      (rows > 1 && !(is_row_stride<T>(strides[0]) && strides[0] >= packed))) {
    throw py::value_error(
        "out must have contiguous rows that do not overlap (C order, or a slice of rows or columns in C order)");
  }
  return {data, rows, cols, rows > 1 ? static_cast<std::size_t>(strides[0]) / sizeof(T) : cols};
}

template <class T>
py::array_t<T> new_array(std::size_t rows, std::size_t cols, bool single) {
  const auto r = static_cast<py::ssize_t>(rows);
  const auto c = static_cast<py::ssize_t>(cols);
  return single ? py::array_t<T>(c) : py::array_t<T>({r, c});
}

template <class T>
MatrixView<T> view_of(py::array_t<T>& array, std::size_t rows, std::size_t cols) {
  return {array.mutable_data(), rows, cols};
}

template <class T>
py::array_t<T> copy_of(ConstMatrixView<T> view, bool single) {
  auto result = new_array<T>(view.rows(), view.cols(), single);
  T* out = result.mutable_data();
  if (view.row_stride() == view.cols()) {
    in_parts_with_signals(view.rows() * view.cols(), [&](std::size_t begin, std::size_t end) {
      std::copy(view.data() + begin, view.data() + end, out + begin);
    });
    return result;
  }
  for (std::size_t r = 0; r < view.rows(); ++r) {
    std::memcpy(out + r * view.cols(), view.row(r), view.cols() * sizeof(T));
  }
  return result;
}

void assign(const py::array& target, py::handle source, const char* name) {
  const py::array array = to_real_array(source, name);
  if (!array.attr("shape").equal(target.attr("shape"))) {
    wrong_shape(name, array, shape_text(target));
  }
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> cache;
  call_python(numpy_function(cache, "copyto"), py::make_tuple(target, array, "unsafe"));
}

#define BACKPASS_ARRAYS(T)                                                                                    \
  template MatrixInput<T> to_matrix<T>(py::handle, std::size_t, const char*);                                 \
  template RowsInput<T> to_rows<T>(py::handle, std::size_t, const char*);                                     \
  template MatrixInput<T> to_output_matrix<T>(py::handle, std::size_t, std::size_t, bool, const char*);       \
  template TargetsInput<T> to_targets<T>(py::handle, std::size_t, std::size_t, bool, LabelRule, const char*); \
  template WeightsInput<T> to_weights<T>(py::handle, std::size_t, bool);                                      \
  template MatrixView<T> to_output<T>(py::handle, std::size_t, std::size_t, bool);                            \
  template py::array_t<T> new_array<T>(std::size_t, std::size_t, bool);                                       \
  template MatrixView<T> view_of<T>(py::array_t<T>&, std::size_t, std::size_t);                               \
  template py::array_t<T> copy_of<T>(ConstMatrixView<T>, bool);
BACKPASS_ARRAYS(float)
BACKPASS_ARRAYS(double)
#undef BACKPASS_ARRAYS

}  // namespace backpass::python

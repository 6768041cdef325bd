/// The library's exceptions as Python's. ShapeError, std::invalid_argument (ValueError), std::out_of_range
/// (IndexError), StateError (RuntimeError) and std::bad_alloc (MemoryError) are what pybind11 makes of their standard
/// base classes.
#include <backpass/error.hpp>

#include "bindings.hpp"

#include <cstring>
#include <exception>

namespace backpass::python {
namespace {

// Made once and kept for the life of the process, as exception types are.
PyObject* format_error = nullptr;
PyObject* divergence_error = nullptr;

PyObject* new_exception(py::module_& m, const char* name, const char* doc, PyObject* base) {
  PyObject* type = PyErr_NewExceptionWithDoc((std::string("backpass.") + name).c_str(), doc, base, nullptr);
  if (type == nullptr) {
    throw py::error_already_set();
  }
  m.attr(name) = py::reinterpret_borrow<py::object>(type);
  return type;
}

void raise(const FileError& error) {
  // OSError picks FileNotFoundError, PermissionError, … by the errno.
  const py::tuple arguments = py::make_tuple(error.code(), std::strerror(error.code()), error.path());
  PyErr_SetObject(PyExc_OSError, arguments.ptr());
}

void raise(const DivergenceError& error) {
  const py::object value = py::reinterpret_borrow<py::object>(divergence_error)(error.what());
  value.attr("epoch") = error.epoch();
  value.attr("batch") = error.batch();
  PyErr_SetObject(divergence_error, value.ptr());
}

void translate(std::exception_ptr pointer) {
  try {
    if (pointer) {
      std::rethrow_exception(pointer);
    }
  } catch (const FileError& error) {
    raise(error);
  } catch (const FormatError& error) {
    PyErr_SetString(format_error, error.what());
  } catch (const DivergenceError& error) {
    raise(error);
  }
}

}  // namespace

void register_error(py::module_& m) {
  format_error =
      new_exception(m, "FormatError", "The bytes of a file are no sound backpass network.", PyExc_ValueError);
  divergence_error = new_exception(m, "DivergenceError",
                                   "The loss stopped being finite during `Network.fit`.\n\n"
                                   "The network is as it was at the end of the last finite epoch.\n\n"
                                   "Attributes\n----------\n"
                                   "epoch, batch : int\n    Zero-based epoch and batch in which it happened.\n",
                                   PyExc_ArithmeticError);
  py::register_exception_translator(&translate);
}

}  // namespace backpass::python

/// The library's exceptions as Python's. ShapeError, std::invalid_argument (ValueError), std::out_of_range
/// (IndexError), StateError (RuntimeError) and std::bad_alloc (MemoryError) are what pybind11 makes of their standard
/// base classes.
#include <backpass/error.hpp>

#include <cstring>
#include <exception>
#include <stdexcept>
#include <string_view>

#include "bindings.hpp"

namespace backpass::python {
namespace {

/// Raises a class of backpass.errors.
template <class... Arguments>
void raise(const char* name, Arguments&&... arguments) {
  const py::object type = py::module_::import("backpass.errors").attr(name);
  const py::object value = type(std::forward<Arguments>(arguments)...);
  PyErr_SetObject(type.ptr(), value.ptr());
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): the signature is pybind11's
void translate(std::exception_ptr pointer) {
  try {
    if (pointer) {
      std::rethrow_exception(pointer);
    }
  } catch (const FileError& error) {
    // OSError picks FileNotFoundError, PermissionError, … by the errno.
    const py::tuple arguments = py::make_tuple(error.code(), std::strerror(error.code()), error.path());
    PyErr_SetObject(PyExc_OSError, arguments.ptr());
  } catch (const FormatError& error) {
    raise("FormatError", error.what());
  } catch (const DivergenceError& error) {
    raise("DivergenceError", error.what(), error.epoch(), error.batch());
  } catch (const std::runtime_error& error) {
    // What pybind11 makes of an object that CPython has no memory for.
    if (!std::string_view(error.what()).starts_with("Could not allocate")) {
      throw;
    }
    PyErr_NoMemory();
  }
}

}  // namespace

void register_error() { py::register_exception_translator(&translate); }

}  // namespace backpass::python

/// Translates the library's exceptions to Python. pybind11 itself translates by the standard base classes: ShapeError
/// and std::invalid_argument to ValueError, std::out_of_range to IndexError, StateError to RuntimeError, std::bad_alloc
/// to MemoryError.
#include <backpass/error.hpp>

#include <cstring>
#include <exception>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "bindings.hpp"

namespace backpass::python {
namespace {

/// Raises the exception class `name` of backpass.errors.
template <class... Arguments>
void raise(const char* name, Arguments&&... arguments) {
  const py::object type = py::module_::import("backpass.errors").attr(name);
  const py::object value = type(std::forward<Arguments>(arguments)...);
  PyErr_SetObject(type.ptr(), value.ptr());
}

/// pybind11 calls this with every C++ exception that leaves a function.
void translate(std::exception_ptr pointer) {
  try {
    std::rethrow_exception(std::move(pointer));
  } catch (const FileError& error) {
    // OSError selects FileNotFoundError, PermissionError, … by the errno.
    const py::tuple arguments = py::make_tuple(error.code(), std::strerror(error.code()), error.path());
    PyErr_SetObject(PyExc_OSError, arguments.ptr());
  } catch (const FormatError& error) {
    raise("FormatError", error.what());
  } catch (const DivergenceError& error) {
    raise("DivergenceError", error.what(), error.epoch(), error.batch(), error.member());
  } catch (const std::runtime_error& error) {
    // pybind11 throws this when CPython has no memory for an object.
    if (!std::string_view(error.what()).starts_with("Could not allocate")) {  // GCOVR_EXCL_BR_LINE: see below
      throw;
    }
    PyErr_NoMemory();  // GCOVR_EXCL_LINE: no test can make exactly this allocation fail
  }
}

}  // namespace

void register_error() { py::register_exception_translator(&translate); }

}  // namespace backpass::python

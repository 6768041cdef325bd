/// Protection of all bound classes against instances without a C++ value.
#include <backpass/error.hpp>

#include <algorithm>

#include "gil.hpp"

namespace backpass::python {
namespace {

/// An instance has no C++ value if only __new__ was called, or if __init__ threw. At the first use of such an instance,
/// pybind11 calls operator_new and does not construct a value in the memory; our methods would then crash. This
/// replacement of operator_new throws instead.
void* refuse_uninitialized(std::size_t /*size*/) {
  throw StateError("this object cannot be used: its __init__ has not run, or has failed");
}

/// Raises the pickle protocol to at least 2. Protocols 0 and 1 create an instance by object.__new__, which does not
/// create the C++ value.
py::object reduce_ex(const py::object& self, int protocol) {
  const auto object = py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(&PyBaseObject_Type));
  return call_python(object.attr("__reduce_ex__"), py::make_tuple(self, std::max(protocol, 2)));
}

}  // namespace

void guard_instances(const py::module_& m) {
  const py::object plain = py::module_::import("builtins").attr("object").attr("__reduce__");
  for (const auto& [name, value] : m.attr("__dict__").cast<py::dict>()) {
    if (!PyType_Check(value.ptr())) {
      continue;
    }
    py::detail::get_type_info(reinterpret_cast<PyTypeObject*>(value.ptr()))->operator_new = &refuse_uninitialized;
    if (py::object(value.attr("__reduce__")).is(plain)) {
      value.attr("__reduce_ex__") =
          py::cpp_function(&reduce_ex, py::name("__reduce_ex__"), py::is_method(value), py::arg("protocol"));
    }
  }
}

}  // namespace backpass::python

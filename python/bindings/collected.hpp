/// Garbage collection for bound classes whose objects hold Python objects. Without it, a network that is part of a
/// reference cycle would never be freed.
#pragma once

#include "custom.hpp"

namespace backpass::python {

/// The C++ object inside a Python object of class V; null before __init__ has run.
template <class V>
V* made_value(PyObject* self) noexcept {
  const auto* instance = reinterpret_cast<py::detail::instance*>(self);
  return instance->simple_layout && instance->simple_holder_constructed
             ? static_cast<V*>(instance->simple_value_holder[0])
             : nullptr;
}

/// An argument of py::class_<V>. Requires two functions: visit_objects(const V&, visit, arg) visits the Python object
/// of every reference that V holds (twice for two references), and clear_objects(V&) drops these references.
template <class V>
py::custom_type_setup collected() {
  return py::custom_type_setup([](PyHeapTypeObject* heap_type) {
    PyTypeObject& type = heap_type->ht_type;
    type.tp_flags |= Py_TPFLAGS_HAVE_GC;
    type.tp_traverse = [](PyObject* self, visitproc visit, void* arg) -> int {
      Py_VISIT(Py_TYPE(self));
      const V* value = made_value<V>(self);
      return value == nullptr ? 0 : visit_objects(*value, visit, arg);
    };
    type.tp_clear = [](PyObject* self) -> int {
      if (V* value = made_value<V>(self)) {
        clear_objects(*value);
      }
      return 0;
    };
  });
}

}  // namespace backpass::python

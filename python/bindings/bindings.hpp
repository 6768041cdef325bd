/// The only header that includes pybind11, so that every file uses the same type casters.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>
#include <pybind11/typing.h>

#include <memory>

namespace backpass::python {

namespace py = pybind11;

// In the order of the calls in module.cpp: a class must be registered before the first signature that names it.
void register_error();
void register_restore(py::module_& m);
void register_runtime(py::module_& m);
void register_activation(py::module_& m);
void register_initializer(py::module_& m);
void register_loss(py::module_& m);
void register_optimizer(py::module_& m);
void register_schedule(py::module_& m);
void register_layer(py::module_& m);
void register_network(py::module_& m);
/// Call it after all classes of m are registered.
void guard_instances(const py::module_& m);

class AnyNetwork;
/// The Python object and the array views of its memory share ownership of the network. If a view held the Python object
/// instead, a network with such a view as an attribute would never be freed, because NumPy arrays do not support
/// garbage collection.
using NetworkPointer = std::shared_ptr<AnyNetwork>;
using NetworkClass = py::class_<AnyNetwork, NetworkPointer>;
void register_ensemble(py::module_& m);
// Parts of the class Network in separate source files.
void register_fit(py::module_& m, NetworkClass& cls);
void register_serialize(py::module_& m, NetworkClass& cls);

}  // namespace backpass::python

/// The one header through which pybind11 is included, so that every file sees the same type casters.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>
#include <pybind11/typing.h>

#include <memory>

namespace backpass::python {

namespace py = pybind11;

// In the order module.cpp calls them: a class is registered before the first signature that names it.
void register_error();
void register_runtime(py::module_& m);
void register_activation(py::module_& m);
void register_initializer(py::module_& m);
void register_loss(py::module_& m);
void register_optimizer(py::module_& m);
void register_schedule(py::module_& m);
void register_layer(py::module_& m);
void register_network(py::module_& m);
/// To be called when all classes are registered.
void guard_instances(const py::module_& m);

class AnyNetwork;
/// The parts of the class Network that have files of their own.
/// Arrays over a network's memory share it with the Python object. If they held the object itself, a network that keeps
/// such an array as an attribute would never be freed: arrays do not take part in garbage collection.
using NetworkPointer = std::shared_ptr<AnyNetwork>;
using NetworkClass = py::class_<AnyNetwork, NetworkPointer>;
void register_fit(py::module_& m, NetworkClass& cls);
void register_serialize(py::module_& m, NetworkClass& cls);

}  // namespace backpass::python

#include "any_network.hpp"

#include <vector>

#include "custom.hpp"
#include "objects.hpp"

namespace backpass::python {
namespace {

/// Also true for NumPy arrays.
bool is_list(py::handle object) { return py::isinstance<py::sequence>(object) && !py::isinstance<py::str>(object); }

/// Converts one value, or a list with one value per layer.
template <class V, class Convert>
PerLayer<V> per_layer(py::handle object, Convert&& convert) {
  if (!is_list(object)) {
    return V(convert(object));
  }
  std::vector<V> values;
  for (const py::handle item : object) {
    values.push_back(convert(item));
  }
  return values;
}

bool to_bool(py::handle object, const char* name) {
  if (!py::isinstance<py::bool_>(object) && !py::isinstance(object, py::module_::import("numpy").attr("bool_"))) {
    throw py::type_error(std::string(name) + " must be a bool, not " + type_name(object));
  }
  return object.cast<bool>();
}

double to_double(py::handle object, const char* name) {
  const double value = PyFloat_AsDouble(object.ptr());
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    throw py::type_error(std::string(name) + " must be a number, not " + type_name(object));
  }
  return value;
}

}  // namespace

AnyNetwork::AnyNetwork(Variant network) : network_(std::move(network)) {
  visit([this]<class T>(Network<T>& net) {
    for (std::size_t i = 0; i < net.num_layers(); ++i) {
      // Copies of a network share the functions of a Custom activation in the core; give this network its own.
      // The const_cast is valid because the network is not const.
      auto& activation =
          const_cast<Activation&>(net.spec(i).activation);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
      activation = with_own_functions(activation);
      calls_python_ = calls_python_ || activation.kind() == ActivationKind::custom;
    }
    parameters_ = static_cast<double>(net.num_parameters());
  });
}

py::capsule keep(std::shared_ptr<const void> memory) {
  using Memory = std::shared_ptr<const void>;
  return {new Memory(std::move(memory)), [](void* last) { delete static_cast<Memory*>(last); }};
}

int visit_objects(const AnyNetwork& network, visitproc visit, void* arg) {
  return network.visit([&](const auto& net) {
    int result = 0;
    for (std::size_t i = 0; i < net.num_layers() && result == 0; ++i) {
      result = visit_objects(net.spec(i).activation, visit, arg);
    }
    return result;
  });
}

void clear_objects(const AnyNetwork& network) {
  network.visit([](const auto& net) {
    for (std::size_t i = 0; i < net.num_layers(); ++i) {
      clear_objects(net.spec(i).activation);
    }
  });
}

bool is_double(py::handle dtype) {
  if (dtype.is_none()) {
    return false;  // NumPy would read None as float64
  }
  const py::dtype requested = py::dtype::from_args(py::reinterpret_borrow<py::object>(dtype));
  if (requested.kind() != 'f' || (requested.itemsize() != 4 && requested.itemsize() != 8)) {
    throw py::value_error("dtype must be float32 or float64, not " + std::string(py::str(requested)));
  }
  return requested.itemsize() == 8;
}

NetworkOptions make_options(py::handle sizes, py::handle activation, py::handle output, py::handle bias,
                            py::handle dropout, py::handle init, py::handle seed) {
  NetworkOptions options;
  if (!py::isinstance<py::iterable>(sizes) || py::isinstance<py::str>(sizes)) {
    throw py::type_error("sizes must be a list of integers [M_0, …, M_N], not " + type_name(sizes));
  }
  for (const py::handle size : sizes) {
    options.sizes.push_back(to_count(size, "sizes"));
  }
  options.activation = per_layer<Activation>(activation, to_activation);
  if (!output.is_none()) {
    options.output = to_activation(output);
  }
  options.bias = per_layer<bool>(bias, [](py::handle item) { return to_bool(item, "bias"); });
  options.dropout = per_layer<double>(dropout, [](py::handle item) { return to_double(item, "dropout"); });
  options.init = per_layer<Initializer>(init, to_initializer);
  options.seed = to_seed(seed);
  return options;
}

NetworkPointer make_network(const NetworkOptions& options, bool to_double) {
  const SignalScope signals;
  return std::make_shared<AnyNetwork>(to_double ? AnyNetwork::Variant(Network<double>(options))
                                                : AnyNetwork::Variant(Network<float>(options)));
}

}  // namespace backpass::python

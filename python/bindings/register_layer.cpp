/// Python's Layers (the type of Network.layers) and Layer (a view of one layer).
#include <backpass/network.hpp>

#include "any_network.hpp"
#include "arrays.hpp"
#include "collected.hpp"
#include "layer.hpp"
#include "objects.hpp"

namespace backpass::python {
namespace {

const LayerSpec& spec(const LayerObject& self) {
  return self.network->visit([&]<class T>(const Network<T>& net) -> const LayerSpec& { return net.spec(self.index); });
}

/// A writable array view (n,) of the network's memory, or None if n is 0. The view keeps the memory alive.
template <class T>
py::object view_vector(const LayerObject& self, std::span<T> values) {
  if (values.empty()) {
    return py::none();
  }
  return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data(),
                        keep(self.owner.cast<NetworkPointer>()));
}

/// An array view (M_i, M_{i-1}) of `stored`, which is (M_{i-1}, M_i) in memory.
template <class T>
py::object view_transposed(const LayerObject& self, MatrixView<T> stored) {
  const auto rows = static_cast<py::ssize_t>(stored.cols());
  const auto cols = static_cast<py::ssize_t>(stored.rows());
  const auto item = static_cast<py::ssize_t>(sizeof(T));
  return py::array_t<T>({rows, cols}, {item, item * static_cast<py::ssize_t>(stored.row_stride())}, stored.data(),
                        keep(self.owner.cast<NetworkPointer>()));
}

template <class Get>
py::object get_view(const LayerObject& self, Get&& get) {
  return self.network->visit([&]<class T>(Network<T>& net) { return get(net.layer(self.index)); });
}

py::object weight(const LayerObject& self) {
  return get_view(self, [&](auto layer) { return view_transposed(self, layer.weight_transposed()); });
}
py::object bias(const LayerObject& self) {
  return get_view(self, [&](auto layer) { return view_vector(self, layer.bias()); });
}
py::object weight_grad(const LayerObject& self) {
  return get_view(self, [&](auto layer) { return view_transposed(self, layer.weight_grad_transposed()); });
}
py::object bias_grad(const LayerObject& self) {
  return get_view(self, [&](auto layer) { return view_vector(self, layer.bias_grad()); });
}

/// z, a or ξ, (B, M_i). Read-only, because the values are results. The array keeps the activation memory alive instead
/// of the network, because a later forward() of more rows allocates new memory.
template <class Get>
Array get_kept(const LayerObject& self, Get&& get) {
  const Shared shared(self.network->gate);
  return self.network->visit([&]<class T>(Network<T>& net) {
    const ConstMatrixView<T> view = get(net.layer(self.index));
    const auto rows = static_cast<py::ssize_t>(view.rows());
    const auto cols = static_cast<py::ssize_t>(net.spec(self.index).outputs);
    const auto item = static_cast<py::ssize_t>(sizeof(T));
    const py::capsule memory = keep(net.activation_memory());
    py::array array = self.network->last_single && rows == 1
                          ? py::array_t<T>({cols}, {item}, view.data(), memory)
                          : py::array_t<T>({rows, cols}, {item * static_cast<py::ssize_t>(view.row_stride()), item},
                                           view.data(), memory);
    array.attr("setflags")(py::arg("write") = false);
    return Array(array);
  });
}

template <class Get>
auto setter(Get get, const char* name) {
  return [=](const LayerObject& self, const ArrayLike& values) {
    const py::object target = get(self);
    if (target.is_none()) {
      throw py::value_error("this layer has no bias");
    }
    const py::array converted = to_real_array(values, name);
    const Exclusive exclusive(self.network->gate);
    assign(py::reinterpret_borrow<py::array>(target), converted, name);
  };
}

std::size_t wrap_index(py::ssize_t index, std::size_t size) {
  const auto n = static_cast<py::ssize_t>(size);
  if (index < -n || index >= n) {
    throw py::index_error("layer index " + std::to_string(index) + " is out of range for " + std::to_string(size) +
                          " layers");
  }
  return static_cast<std::size_t>(index < 0 ? index + n : index);
}

void register_one_layer(py::module_& m) {
  py::class_<LayerObject>(m, "Layer",
                          R"(A view of one layer: z^i = W^i a^{i-1} + b^i, a^i = φ_i(z^i), ξ^i = ∂E/∂z^i.

`weight`, `bias` and their gradients are writable views of the network's memory. The views keep this memory alive.
Assigning to one of these attributes copies the values into the view. `z`, `a` and `xi` are read-only views of the
results of the last `Network.forward` and `Network.backward`. The next call may overwrite these results or store its
own results elsewhere, so copy what you want to keep.

Examples
--------
>>> import backpass as bp
>>> net = bp.Network([3, 4, 2], seed=0)
>>> layer = net.layers[0]
>>> layer.weight.shape, layer.bias.shape
((4, 3), (4,))
>>> layer.bias[:] = 1.0
>>> layer.weight = layer.weight * 2
>>> layer
Layer(index=0, inputs=3, outputs=4, activation=ReLU())
)",
                          collected<LayerObject>())
      .def_property(
          "weight", [](const LayerObject& self) { return Array(weight(self)); }, setter(weight, "weight"),
          "ndarray of shape (M_i, M_{i-1}) : W^i. w^i_kj connects neuron j of layer i-1 to neuron k. A strided view.")
      .def_property(
          "bias", [](const LayerObject& self) { return ArrayOrNone(bias(self)); }, setter(bias, "bias"),
          "ndarray of shape (M_i,), or None : b^i; None for a layer without bias.")
      .def_property(
          "weight_grad", [](const LayerObject& self) { return Array(weight_grad(self)); },
          setter(weight_grad, "weight_grad"), "ndarray of shape (M_i, M_{i-1}) : ∂E/∂w^i. A strided view.")
      .def_property(
          "bias_grad", [](const LayerObject& self) { return ArrayOrNone(bias_grad(self)); },
          setter(bias_grad, "bias_grad"), "ndarray of shape (M_i,), or None : ∂E/∂b^i; None for a layer without bias.")
      .def_property_readonly(
          "z", [](const LayerObject& self) { return get_kept(self, [](auto layer) { return layer.z(); }); },
          "ndarray of shape (B, M_i) : z^i of the last forward; (M_i,) after a forward of one sample. RuntimeError "
          "before "
          "the first forward.")
      .def_property_readonly(
          "a", [](const LayerObject& self) { return get_kept(self, [](auto layer) { return layer.a(); }); },
          "ndarray of shape (B, M_i) : a^i of the last forward, before dropout. Other shapes as for `z`.")
      .def_property_readonly(
          "xi", [](const LayerObject& self) { return get_kept(self, [](auto layer) { return layer.xi(); }); },
          "ndarray of shape (B, M_i) : ξ^i of the last backward. RuntimeError if no backward followed the last "
          "forward.")
      .def_property_readonly(
          "activation",
          [](const LayerObject& self) { return ActivationResult(from_activation(spec(self).activation)); },
          "Activation : φ_i.")
      .def_property(
          "trainable", [](const LayerObject& self) { return spec(self).trainable; },
          [](const LayerObject& self, bool trainable) {
            const Exclusive exclusive(self.network->gate);
            self.network->visit([&](auto& net) { net.layer(self.index).set_trainable(trainable); });
          },
          "bool : whether a step updates this layer.")
      .def_property(
          "lr_scale", [](const LayerObject& self) { return spec(self).lr_scale; },
          [](const LayerObject& self, double lr_scale) {
            const Exclusive exclusive(self.network->gate);
            self.network->visit([&](auto& net) { net.layer(self.index).set_lr_scale(lr_scale); });
          },
          "float : factor on the optimizer's learning rate.")
      .def_property(
          "bias_lr_scale", [](const LayerObject& self) { return spec(self).bias_lr_scale; },
          [](const LayerObject& self, double bias_lr_scale) {
            const Exclusive exclusive(self.network->gate);
            self.network->visit([&](auto& net) { net.layer(self.index).set_bias_lr_scale(bias_lr_scale); });
          },
          "float : additional factor on the bias's learning rate, which is lr · lr_scale · bias_lr_scale.")
      .def_property_readonly(
          "index", [](const LayerObject& self) { return self.index; },
          "int : zero-based index of the layer in `Network.layers`.")
      .def_property_readonly(
          "inputs", [](const LayerObject& self) { return spec(self).inputs; }, "int : M_{i-1}.")
      .def_property_readonly(
          "outputs", [](const LayerObject& self) { return spec(self).outputs; }, "int : M_i.")
      .def_property_readonly(
          "dropout", [](const LayerObject& self) { return spec(self).dropout; },
          "float : fraction of this layer's activations that training drops.")
      .def_property_readonly(
          "num_parameters", [](const LayerObject& self) { return spec(self).num_parameters(); },
          "int : number of weights and biases.")
      .def("__repr__", [](const LayerObject& self) {
        const LayerSpec& s = spec(self);
        return "Layer(index=" + std::to_string(self.index) + ", inputs=" + std::to_string(s.inputs) +
               ", outputs=" + std::to_string(s.outputs) +
               ", activation=" + std::string(py::repr(from_activation(s.activation))) + (s.bias ? "" : ", bias=False") +
               (s.trainable ? "" : ", trainable=False") + ")";
      });
}

}  // namespace

void register_layer(py::module_& m) {
  register_one_layer(m);
  py::class_<LayersObject>(m, "Layers", "A sequence of the layers of a network.", collected<LayersObject>())
      .def("__len__", [](const LayersObject& self) { return self.size; })
      .def(
          "__getitem__",
          [](const LayersObject& self, py::ssize_t index) {
            return LayerObject{self.owner, self.network, wrap_index(index, self.size)};
          },
          py::arg("index"))
      .def(
          "__getitem__",
          [](const LayersObject& self, const py::slice& slice) {
            std::size_t start = 0;
            std::size_t stop = 0;
            std::size_t step = 0;
            std::size_t length = 0;
            if (!slice.compute(self.size, &start, &stop, &step, &length)) {
              throw py::error_already_set();
            }
            std::vector<LayerObject> layers;
            layers.reserve(length);
            for (std::size_t i = 0; i < length; ++i) {
              layers.push_back({self.owner, self.network, start + i * step});
            }
            return layers;
          },
          py::arg("index"))
      .def("__iter__",
           [](const LayersObject& self) {
             std::vector<LayerObject> layers;
             layers.reserve(self.size);
             for (std::size_t i = 0; i < self.size; ++i) {
               layers.push_back({self.owner, self.network, i});
             }
             return py::cast(layers).attr("__iter__")().cast<py::typing::Iterator<LayerObject>>();
           })
      .def("__repr__", [](const py::object& self) { return std::string(py::str(py::tuple(self))); });
}

}  // namespace backpass::python

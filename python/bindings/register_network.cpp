/// The class Network, without fit and files.
#include <backpass/gradient_check.hpp>
#include <backpass/network.hpp>

#include <cstdint>
#include <limits>

#include "any_network.hpp"
#include "arrays.hpp"
#include "collected.hpp"
#include "fast_method.hpp"
#include "layer.hpp"
#include "network_docs.hpp"
#include "objects.hpp"

namespace backpass::python {
namespace {

Array forward(AnyNetwork& self, const ArrayLike& x, bool training) {
  return self.visit([&]<class T>(Network<T>& net) {
    const RowsInput<T> input = to_rows<T>(x, net.sizes().front(), "x");
    const Exclusive exclusive(self.gate);
    const ConstMatrixView<T> output =
        without_gil(self.operations(input.view.rows()), [&] { return net.forward(input.view, training); });
    self.last_single = input.single;
    // Return a copy, because the next call overwrites the core's buffer.
    return Array(copy_of<T>(output, input.single));
  });
}

OptionalArray backward(AnyNetwork& self, const ArrayLike& grad_output, bool input_gradient, bool accumulate) {
  return self.visit([&]<class T>(Network<T>& net) {
    const py::array array = to_real_array(grad_output, "grad_output");
    const Exclusive exclusive(self.gate);
    const bool single = self.last_single;
    // The core checks that the last forward() had the same number of rows.
    const std::size_t rows = single || array.ndim() == 0 ? 1 : static_cast<std::size_t>(array.shape(0));
    const auto grad = to_output_matrix<T>(array, rows, net.sizes().back(), single, "grad_output");
    const auto run = [&](MatrixView<T> gradient) {
      without_gil(2 * self.operations(rows), [&] { net.backward(grad.view, gradient, accumulate); });
    };
    if (!input_gradient) {
      run({});
      return OptionalArray(py::none());
    }
    auto result = new_array<T>(rows, net.sizes().front(), single);
    run(view_of<T>(result, rows, net.sizes().front()));
    return OptionalArray(result);
  });
}

/// A bound for the core, where 0 means no bound. A caller must use None instead.
double to_bound(const OptionalFloat& value, const char* name) {
  if (value.is_none()) {
    return 0.0;
  }
  const double bound = to_number(value, name);
  if (!(bound > 0)) {
    throw py::value_error(std::string(name) + " must be greater than 0 or None, got " + std::string(py::str(value)));
  }
  return bound;
}

GradientOptions to_options(const OptionalFloat& clip_norm, const OptionalFloat& clip_value, double l1, double l2) {
  return {.l1 = l1,
          .l2 = l2,
          .clip_norm = to_bound(clip_norm, "clip_norm"),
          .clip_value = to_bound(clip_value, "clip_value")};
}

void step(AnyNetwork& self, const OptimizerLike& optimizer_like, const OptionalFloat& clip_norm,
          const OptionalFloat& clip_value, double l1, double l2) {
  OptimizerObject& optimizer = to_optimizer(optimizer_like);
  const GradientOptions options = to_options(clip_norm, clip_value, l1, l2);
  self.visit([&]<class T>(Network<T>& net) {
    const Exclusive exclusive(self.gate);
    const Exclusive exclusive_optimizer(optimizer.gate);
    without_gil(static_cast<double>(net.num_parameters()), [&] { net.step(optimizer.value, options); });
  });
}

Array predict(const AnyNetwork& self, const ArrayLike& x, const OptionalArray& out, const OptionalInt& num_threads) {
  const int threads = to_threads(num_threads);
  return self.visit([&]<class T>(const Network<T>& net) {
    const std::size_t cols = net.sizes().back();
    RowsInput<T> input = to_rows<T>(x, net.sizes().front(), "x");
    const std::size_t rows = input.view.rows();
    const auto run = [&](MatrixView<T> view) {
      const Shared shared(self.gate);
      without_gil(self.operations(rows), [&] { net.predict(input.view, view, threads); });
    };
    if (out.is_none()) {
      auto result = new_array<T>(rows, cols, input.single);
      run(view_of<T>(result, rows, cols));
      return Array(result);
    }
    const MatrixView<T> view = to_output<T>(out, rows, cols, input.single);
    if (!input.view.is_apart_from(view)) {
      // Copy x, so that the result is the same as without overlap, as in NumPy.
      auto copy = new_array<T>(rows, input.view.cols(), false);
      input.view.read(0, view_of<T>(copy, rows, input.view.cols()));
      input.view = view_of<T>(copy, rows, input.view.cols());
      input.memory = std::move(copy);
    }
    run(view);
    return Array(out);
  });
}

/// The arguments of train_step, loss_and_gradient and evaluate, converted for the core.
template <class T>
struct Samples {
  RowsInput<T> x;
  TargetsInput<T> y;
  WeightsInput<T> weights;

  Samples(const Network<T>& net, const Loss& loss, const ArrayLike& inputs, const ArrayLike& targets,
          const OptionalArrayLike& sample_weight)
      : x(to_rows<T>(inputs, net.sizes().front(), "x")),
        y(to_targets<T>(targets, x.view.rows(), net.sizes().back(), x.single, label_rule(loss))),
        weights(to_weights<T>(sample_weight, x.view.rows(), x.single)) {}
};

double train_step(AnyNetwork& self, const ArrayLike& x, const ArrayLike& y, const LossLike& loss_like,
                  const OptimizerLike& optimizer_like, const OptionalArrayLike& sample_weight,
                  const OptionalFloat& clip_norm, const OptionalFloat& clip_value, double l1, double l2,
                  const OptionalInt& shards_like) {
  const Loss loss = to_loss(loss_like);
  OptimizerObject& optimizer = to_optimizer(optimizer_like);
  const GradientOptions options = to_options(clip_norm, clip_value, l1, l2);
  const std::size_t shards = to_shards(shards_like).value_or(1);
  return self.visit([&]<class T>(Network<T>& net) {
    const Samples<T> samples(net, loss, x, y, sample_weight);
    const Exclusive exclusive(self.gate);
    const Exclusive exclusive_optimizer(optimizer.gate);
    return without_gil(3 * self.operations(samples.x.view.rows(), loss), [&] {
      return net.train_step(samples.x.view, samples.y.view, loss, optimizer.value, samples.weights.view, options,
                            shards);
    });
  });
}

LossAndGradient loss_and_gradient(AnyNetwork& self, const ArrayLike& x, const ArrayLike& y, const LossLike& loss_like,
                                  const OptionalArrayLike& sample_weight, bool input_gradient,
                                  const OptionalInt& shards_like) {
  const Loss loss = to_loss(loss_like);
  const std::size_t shards = to_shards(shards_like).value_or(1);
  return self.visit([&]<class T>(Network<T>& net) {
    const Samples<T> samples(net, loss, x, y, sample_weight);
    const std::size_t rows = samples.x.view.rows();
    const Exclusive exclusive(self.gate);
    const auto run = [&](MatrixView<T> gradient) {
      return without_gil(3 * self.operations(rows, loss), [&] {
        return net.loss_and_gradient(samples.x.view, samples.y.view, loss, samples.weights.view, gradient, shards);
      });
    };
    if (!input_gradient) {
      return LossAndGradient(py::float_(run({})));
    }
    auto gradient = new_array<T>(rows, net.sizes().front(), samples.x.single);
    const double value = run(view_of<T>(gradient, rows, net.sizes().front()));
    return LossAndGradient(py::make_tuple(value, gradient));
  });
}

double evaluate(const AnyNetwork& self, const ArrayLike& x, const ArrayLike& y, const LossLike& loss_like,
                const OptionalArrayLike& sample_weight) {
  const Loss loss = to_loss(loss_like);
  return self.visit([&]<class T>(const Network<T>& net) {
    const Samples<T> samples(net, loss, x, y, sample_weight);
    const Shared shared(self.gate);
    return without_gil(self.operations(samples.x.view.rows(), loss),
                       [&] { return net.evaluate(samples.x.view, samples.y.view, loss, samples.weights.view); });
  });
}

/// The loss and the predictions (rows, outputs) of the same parameters.
ValueAndGradient evaluate_and_predict(const AnyNetwork& self, const ArrayLike& x, const ArrayLike& y,
                                      const LossLike& loss_like, const OptionalArrayLike& sample_weight) {
  const Loss loss = to_loss(loss_like);
  return self.visit([&]<class T>(const Network<T>& net) {
    const Samples<T> samples(net, loss, x, y, sample_weight);
    const std::size_t rows = samples.x.view.rows();
    const std::size_t cols = net.sizes().back();
    py::array_t<T> output({static_cast<py::ssize_t>(rows), static_cast<py::ssize_t>(cols)});
    const MatrixView<T> view(output.mutable_data(), rows, cols);
    const Shared shared(self.gate);
    const double value = without_gil(2 * self.operations(rows, loss), [&] {
      net.predict(samples.x.view, view);
      return net.evaluate(samples.x.view, samples.y.view, loss, samples.weights.view);
    });
    return ValueAndGradient(py::make_tuple(value, output));
  });
}

/// Converts the data to double for both network types, because the check computes in double.
double gradient_check(AnyNetwork& self, const ArrayLike& x, const ArrayLike& y, const LossLike& loss_like) {
  const Loss loss = to_loss(loss_like);
  return self.visit([&]<class T>(const Network<T>& net) {
    const auto input = to_matrix<double>(x, net.sizes().front(), "x");
    const auto targets = to_targets<double>(y, input.view.rows(), net.sizes().back(), input.single, label_rule(loss));
    const Shared shared(self.gate);
    return without_gil(std::numeric_limits<double>::infinity(),
                       [&] { return backpass::gradient_check(net, input.view, targets.view, loss); });
  });
}

/// A writable array view (num_parameters,) of all parameters or gradients. The view keeps the network alive.
template <class Get>
auto flat_view(Get get) {
  return [=](const py::object& self) {
    return self.cast<AnyNetwork&>().visit([&]<class T>(Network<T>& net) {
      const std::span<T> values = get(net);
      return Array(
          py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data(), keep(self.cast<NetworkPointer>())));
    });
  };
}
template <class Get>
auto flat_setter(Get get, const char* name) {
  return [=](const py::object& self, const ArrayLike& values) {
    const py::array converted = to_real_array(values, name);
    const Exclusive exclusive(self.cast<AnyNetwork&>().gate);
    assign(py::array(flat_view(get)(self)), converted, name);
  };
}

/// Copies the attributes of an object of a user's subclass. Objects of Network itself have none.
void copy_attributes(const py::object& from, const py::object& to) {
  if (py::hasattr(from, "__dict__")) {
    to.attr("__dict__").attr("update")(from.attr("__dict__"));
  }
}

void register_structure(NetworkClass& cls) {
  const auto parameters = [](auto& net) { return net.parameters(); };
  const auto gradients = [](auto& net) { return net.gradients(); };
  cls.def_property("parameters", flat_view(parameters), flat_setter(parameters, "parameters"), docs::kParameters)
      .def_property("gradients", flat_view(gradients), flat_setter(gradients, "gradients"), docs::kGradients)
      .def_property_readonly(
          "sizes",
          [](const AnyNetwork& self) {
            return self.visit([](const auto& net) {
              const auto sizes = net.sizes();
              return SizesTuple(py::tuple(py::cast(std::vector<std::size_t>(sizes.begin(), sizes.end()))));
            });
          },
          "tuple of int : M_0, …, M_N.")
      .def_property_readonly(
          "dtype",
          [](const AnyNetwork& self) {
            return self.visit([]<class T>(const Network<T>&) { return DType(py::dtype::of<T>()); });
          },
          "numpy.dtype : float32 or float64.")
      .def_property_readonly(
          "num_parameters",
          [](const AnyNetwork& self) { return self.visit([](const auto& net) { return net.num_parameters(); }); },
          "int : number of weights and biases of all layers.")
      .def_property_readonly(
          "layers",
          [](const py::object& self) {
            auto& network = self.cast<AnyNetwork&>();
            return LayersObject{self, &network, network.visit([](const auto& net) { return net.num_layers(); })};
          },
          "Layers : a sequence of `Layer` views, one for every layer 1…N.")
      .def(
          "initialize",
          [](AnyNetwork& self, const SeedLike& seed) {
            const std::uint64_t value = to_seed(seed);
            const Exclusive exclusive(self.gate);
            const SignalScope signals;
            self.visit([&](auto& net) { net.initialize(value); });
          },
          py::arg("seed") = py::none(), docs::kInitialize)
      .def(
          "copy",
          [](const py::object& self) {
            auto& network = self.cast<AnyNetwork&>();
            auto copy = [&] {
              const Shared shared(network.gate);
              return network.visit([&](const auto& net) {
                return std::make_shared<AnyNetwork>(
                    AnyNetwork::Variant(without_gil(network.copy_operations(), [&] { return net.copy(); })));
              });
            }();
            py::object result = adopt(py::type::of(self), std::move(copy));
            copy_attributes(self, result);
            return Self(result);
          },
          docs::kCopy)
      .def(
          "astype",
          [](const py::object& self, const DTypeLike& dtype) {
            if (dtype.is_none()) {
              throw py::type_error("dtype must be float32 or float64, not None");
            }
            auto& network = self.cast<AnyNetwork&>();
            const bool to_double = is_double(dtype);
            auto converted = [&] {
              const Shared shared(network.gate);
              return network.visit([&](const auto& net) {
                return std::make_shared<AnyNetwork>(without_gil(network.copy_operations(), [&] {
                  return to_double ? AnyNetwork::Variant(net.template converted<double>())
                                   : AnyNetwork::Variant(net.template converted<float>());
                }));
              });
            }();
            py::object result = adopt(py::type::of(self), std::move(converted));
            copy_attributes(self, result);
            return Self(result);
          },
          py::arg("dtype"), docs::kAstype)
      .def(
          "summary", [](const AnyNetwork& self) { return self.visit([](const auto& net) { return net.summary(); }); },
          docs::kSummary);
}

void register_passes(NetworkClass& cls) {
  cls.def("forward", &forward, py::arg("x"), py::kw_only(), py::arg("training") = false, docs::kForward)
      .def("backward", &backward, py::arg("grad_output"), py::kw_only(), py::arg("input_gradient") = false,
           py::arg("accumulate") = false, docs::kBackward)
      .def("step", &step, py::arg("optimizer"), py::kw_only(), py::arg("clip_norm") = py::none(),
           py::arg("clip_value") = py::none(), py::arg("l1") = 0.0, py::arg("l2") = 0.0, docs::kStep)
      .def("predict", &predict, py::arg("x"), py::kw_only(), py::arg("out") = py::none(),
           py::arg("num_threads") = py::none(), docs::kPredict)
      .def("__call__", &predict, py::arg("x"), py::kw_only(), py::arg("out") = py::none(),
           py::arg("num_threads") = py::none(), "The same as `predict`.")
      .def("train_step", &train_step, py::arg("x"), py::arg("y"), py::kw_only(), py::arg("loss"), py::arg("optimizer"),
           py::arg("sample_weight") = py::none(), py::arg("clip_norm") = py::none(), py::arg("clip_value") = py::none(),
           py::arg("l1") = 0.0, py::arg("l2") = 0.0, py::arg("shards") = py::none(), docs::kTrainStep)
      .def("loss_and_gradient", &loss_and_gradient, py::arg("x"), py::arg("y"), py::kw_only(), py::arg("loss"),
           py::arg("sample_weight") = py::none(), py::arg("input_gradient") = false, py::arg("shards") = py::none(),
           docs::kLossAndGradient)
      .def("evaluate", &evaluate, py::arg("x"), py::arg("y"), py::kw_only(), py::arg("loss"),
           py::arg("sample_weight") = py::none(), docs::kEvaluate)
      .def("_evaluate_and_predict", &evaluate_and_predict, py::arg("x"), py::arg("y"), py::arg("loss"),
           py::arg("sample_weight"), "Return the loss and the predictions (B, M_N) of the same parameters.")
      .def("_gradient_check", &gradient_check, py::arg("x"), py::arg("y"), py::arg("loss"),
           "Return the result of backpass.gradient_check.");

  const py::object none = py::none();
  const py::object zero = py::float_(0.0);
  FastMethod<&predict>::install(cls, "predict", {"x"}, {{"out", none}, {"num_threads", none}});
  FastMethod<&train_step>::install(cls, "train_step", {"x", "y"},
                                   {{"loss"},
                                    {"optimizer"},
                                    {"sample_weight", none},
                                    {"clip_norm", none},
                                    {"clip_value", none},
                                    {"l1", zero},
                                    {"l2", zero},
                                    {"shards", none}});
  FastMethod<&loss_and_gradient>::install(
      cls, "loss_and_gradient", {"x", "y"},
      {{"loss"}, {"sample_weight", none}, {"input_gradient", py::bool_(false)}, {"shards", none}});
  FastMethod<&forward>::install(cls, "forward", {"x"}, {{"training", py::bool_(false)}});
  FastMethod<&backward>::install(cls, "backward", {"grad_output"},
                                 {{"input_gradient", py::bool_(false)}, {"accumulate", py::bool_(false)}});
  FastMethod<&step>::install(cls, "step", {"optimizer"},
                             {{"clip_norm", none}, {"clip_value", none}, {"l1", zero}, {"l2", zero}});
}

/// Multiplies the gradients of all networks by both factors, first by `scale`.
void scale_gradients(const NetworkSequence& sequence, double scale, double factor) {
  std::vector<NetworkPointer> networks;
  std::vector<Gate*> gates;
  for (const py::handle object : sequence) {
    networks.push_back(object.cast<NetworkPointer>());
    gates.push_back(&networks.back()->gate);
  }
  AccessGroup accesses;
  accesses.enter(gates, Use::write);
  for (const NetworkPointer& network : networks) {
    network->visit([=]<class T>(Network<T>& net) {
      for (T& gradient : net.gradients()) {
        gradient = gradient * static_cast<T>(scale) * static_cast<T>(factor);
      }
    });
  }
}

}  // namespace

void register_network(py::module_& m) {
  count_forks();
  m.def("_scale_gradients", &scale_gradients, py::arg("networks"), py::arg("scale"), py::arg("factor"),
        "Multiply the gradients of all networks by both factors, or raise StateError and change none.");
  NetworkClass cls(m, "Network", "The native part of backpass.Network, which has the documentation.",
                   collected<AnyNetwork>());
  cls.def(py::init([](const Sizes& sizes, const ActivationsLike& activation, const OptionalActivationLike& output,
                      const FlagsLike& bias, const RatesLike& dropout, const DTypeLike& dtype,
                      const InitializersLike& init, const SeedLike& seed) {
            return make_network(make_options(sizes, activation, output, bias, dropout, init, seed), is_double(dtype));
          }),
          py::arg("sizes"), py::arg("activation") = "relu", py::arg_v("output", py::none(), "'identity'"),
          py::kw_only(), py::arg("bias") = true, py::arg("dropout") = 0.0, py::arg("dtype") = "float32",
          py::arg("init") = "auto", py::arg("seed") = py::none());
  register_structure(cls);
  register_passes(cls);
  register_fit(m, cls);
  register_serialize(m, cls);
}

}  // namespace backpass::python

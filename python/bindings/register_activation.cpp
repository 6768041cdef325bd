/// backpass.activations: one class per kind, so that isinstance, repr and pickle work as Python users expect.
#include <backpass/activation.hpp>

#include <array>
#include <optional>
#include <utility>

#include "arrays.hpp"
#include "collected.hpp"
#include "custom.hpp"
#include "objects.hpp"
#include "record.hpp"

namespace backpass::python {

namespace {

struct ClassText {
  const char* name;
  const char* parameter;  ///< null if there is no parameter
  const char* definition;
};

#define BACKPASS_PLAIN(name, Class, source, init, outputs, definition) ClassText{#Class, nullptr, definition},
#define BACKPASS_PARAMETRIC(name, Class, source, init, outputs, definition, parameter, ...) \
  ClassText{#Class, #parameter, definition},
constexpr std::array<ClassText, kActivationKinds - 1> kClasses{
    BACKPASS_ACTIVATIONS(BACKPASS_PLAIN, BACKPASS_PARAMETRIC)};
#undef BACKPASS_PLAIN
#undef BACKPASS_PARAMETRIC

}  // namespace

template <>
struct Record<Activation> {
  static std::size_t kind(const Activation& self) noexcept { return static_cast<std::size_t>(self.kind()); }
  static NamedValues settings(const Activation& self) {
    if (self.kind() == ActivationKind::custom) {
      return {{"function", function_of(self)}, {"derivative", derivative_of(self)}};
    }
    const char* parameter = kClasses[kind(self)].parameter;
    return parameter == nullptr ? NamedValues() : NamedValues{{parameter, py::float_(self.parameter())}};
  }
};

namespace {

template <ActivationKind Kind>
struct ActivationOf : Activation {
  using Activation::Activation;
  explicit ActivationOf(Activation activation) : Activation(std::move(activation)) {}
  ActivationOf() : Activation(Activation::from_name(activation_name(Kind))) {}
  explicit ActivationOf(double parameter) : Activation(Activation::from_name(activation_name(Kind), parameter)) {}
};

constexpr const char* kCustomDoc = R"(A user-defined activation. It works everywhere except in files.

Parameters
----------
function, derivative : callable
    φ and φ'. The argument z is an array (rows, M) of the network's dtype. The result is an array of real numbers that
    broadcasts to the shape of z: φ(z) or φ'(z), elementwise.

Raises
------
TypeError
    If one of them is not callable.

Examples
--------
>>> import numpy as np
>>> import backpass as bp
>>> square = bp.activations.Custom(np.square, lambda z: 2 * z)
>>> net = bp.Network([3, 4, 1], activation=square)
>>> net.layers[0].activation is square or net.layers[0].activation == square
True
)";

constexpr const char* kApplyDoc = R"(Return φ(z).

Parameters
----------
z : array_like of real numbers
    Array of any shape. The last axis is the axis of the outputs.

Returns
-------
ndarray
    Array with the shape of z; float32 if z is float32, otherwise float64.
)";

using ToObject = py::object (*)(const Activation&);
std::array<ToObject, kActivationKinds> to_object{};

/// Cost estimate of one element in multiply-adds.
constexpr double kOperations = 16.0;

template <class T>
py::array apply(const Activation& activation, py::array z) {
  const auto cols = static_cast<std::size_t>(z.ndim() == 0 ? 1 : z.shape(z.ndim() - 1));
  const py::array flat =
      z.reshape({cols == 0 ? 0 : z.size() / static_cast<py::ssize_t>(cols), static_cast<py::ssize_t>(cols)});
  const MatrixInput<T> input = to_matrix<T>(flat, cols, "z");
  auto result = new_array<T>(input.view.rows(), cols, false);
  const MatrixView<T> out = view_of<T>(result, input.view.rows(), cols);
  without_gil(kOperations * static_cast<double>(z.size()), [&] { activation.apply<T>(input.view, out); });
  return result.attr("reshape")(z.attr("shape"));
}

void register_activation_base(py::module_& m) {
  py::class_<Activation> cls(m, "Activation",
                             "An activation function φ, a = φ(z): the base class of backpass.activations.");
  def_repr(cls);
  def_value_methods(cls);
  cls.def_property_readonly(
         "name", [](const Activation& self) { return std::string(self.name()); },
         "str : the name. As an argument, it means this activation with its default parameter.")
      .def(
          "__call__",
          [](const Activation& self, const ArrayLike& z) {
            py::array array = to_real_array(z, "z");
            return Array(is_float32(array) ? apply<float>(self, array) : apply<double>(self, array));
          },
          py::arg("z"), kApplyDoc)
      .def("__str__", [](const Activation& self) {
        const std::string name(self.name());
        return self.has_parameter() ? name + "(" + std::string(py::str(py::float_(self.parameter()))) + ")" : name;
      });
}

template <ActivationKind Kind>
void register_activation_kind(py::module_& m) {
  const ClassText& text = kClasses[static_cast<std::size_t>(Kind)];
  const ActivationOf<Kind> standard;
  std::string doc = std::string(text.definition) + ".\n";
  if (text.parameter != nullptr) {
    doc += std::string("\nParameters\n----------\n") + text.parameter + " : float\n";
  }
  doc += "\nExamples\n--------\n>>> import backpass as bp\n>>> bp.activations.get(\"" + std::string(standard.name()) +
         "\")\n" + record_text(py::str(text.name), Record<Activation>::settings(standard)) + "\n";
  py::class_<ActivationOf<Kind>, Activation> cls(m, text.name, doc.c_str());
  if (text.parameter != nullptr) {
    cls.def(py::init<double>(), py::arg(text.parameter) = standard.parameter());
    cls.def_property_readonly(text.parameter, [](const Activation& self) { return self.parameter(); });
  } else {
    cls.def(py::init<>());
  }
  to_object[static_cast<std::size_t>(Kind)] = [](const Activation& a) { return py::cast(ActivationOf<Kind>(a)); };
}

void register_custom_activation(py::module_& m) {
  using Custom = ActivationOf<ActivationKind::custom>;
  py::class_<Custom, Activation>(m, "Custom", kCustomDoc, collected<Custom>())
      .def(py::init([](const Function& function, const Function& derivative) {
             return Custom(make_custom_activation(function, derivative));
           }),
           py::arg("function"), py::arg("derivative"))
      .def_property_readonly("function", [](const Custom& self) { return Function(function_of(self)); })
      .def_property_readonly("derivative", [](const Custom& self) { return Function(derivative_of(self)); });
  to_object[static_cast<std::size_t>(ActivationKind::custom)] = [](const Activation& a) {
    return py::cast(Custom(with_own_functions(a)));
  };
}

}  // namespace

py::object from_activation(const Activation& activation) {
  return to_object[static_cast<std::size_t>(activation.kind())](activation);
}

void register_activation(py::module_& m) {
  register_activation_base(m);
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (register_activation_kind<static_cast<ActivationKind>(I)>(m), ...);
  }(std::make_index_sequence<kClasses.size()>());
  register_custom_activation(m);
  m.def(
      "get", [](const std::string& name) { return ActivationResult(from_activation(Activation::from_name(name))); },
      py::arg("name"),
      R"(Return the activation with this name and its default parameter.

Raises
------
ValueError
    If the name is unknown. The message lists the known names.
)");
  m.def(
      "names",
      [] {
        const auto names = Activation::names();
        return std::vector<std::string>(names.begin(), names.end());
      },
      "Return the names of all activations.");
}

}  // namespace backpass::python

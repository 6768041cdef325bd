/// backpass.initializers: initial values of weights.
#include <backpass/initializer.hpp>

#include "objects.hpp"
#include "record.hpp"

namespace backpass::python {

/// The name of the parameter of a kind that has a Python class.
static const char* parameter_name(InitializerKind kind) noexcept {
  switch (kind) {
    case InitializerKind::constant:
      return "value";
    case InitializerKind::normal:
      return "standard_deviation";
    case InitializerKind::uniform:
      return "half_width";
    default:  // orthogonal
      return "gain";
  }
}

template <>
struct Record<Initializer> {
  static std::size_t kind(const Initializer& self) noexcept { return static_cast<std::size_t>(self.kind); }
  static NamedValues settings(const Initializer& self) {
    return {{parameter_name(self.kind), py::float_(self.parameter)}};
  }
};

namespace {

/// The Python class of an initializer kind with a parameter.
template <InitializerKind Kind>
struct InitializerOf : Initializer {
  explicit InitializerOf(double value) : Initializer{Kind, value} {}
};

template <InitializerKind Kind>
void register_initializer_kind(py::module_& m, const char* class_name, const char* doc) {
  const Initializer standard = Initializer::from_name(Initializer{Kind}.name());
  py::class_<InitializerOf<Kind>, Initializer> cls(
      m, class_name, with_example(doc, m, class_name, Record<Initializer>::settings(standard)).c_str());
  const char* parameter = parameter_name(Kind);
  cls.def(py::init<double>(), py::arg(parameter) = standard.parameter);
  cls.def_property_readonly(parameter, [](const Initializer& self) { return self.parameter; });
}

}  // namespace

void register_initializer(py::module_& m) {
  py::class_<Initializer> cls(
      m, "Initializer", "Initial values of weights: the base class of backpass.initializers. Biases start at zero.");
  def_repr(cls);
  def_value_methods(cls);
  cls.def_property_readonly(
      "name", [](const Initializer& self) { return std::string(self.name()); },
      "str : the name. As an argument, it means this initializer with its default parameter.");
  register_initializer_kind<InitializerKind::constant>(m, "Constant", R"(All weights are `value`.

Parameters
----------
value : float
)");
  register_initializer_kind<InitializerKind::normal>(m, "Normal", R"(Normal distribution with mean zero.

Parameters
----------
standard_deviation : float
)");
  register_initializer_kind<InitializerKind::uniform>(m, "Uniform",
                                                      R"(Uniform distribution between −half_width and half_width.

Parameters
----------
half_width : float
)");
  register_initializer_kind<InitializerKind::orthogonal>(
      m, "Orthogonal",
      R"(W = gain · Q with orthonormal rows of Q, or orthonormal columns if these are fewer (Saxe et al. 2014).

Parameters
----------
gain : float
)");
}

}  // namespace backpass::python

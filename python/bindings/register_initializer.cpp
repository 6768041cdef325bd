/// backpass.initializers: initial values of weights.
#include <backpass/initializer.hpp>

#include "objects.hpp"
#include "record.hpp"

namespace backpass::python {
namespace {

/// The Python class of an initializer kind with a parameter.
template <InitializerKind Kind>
struct InitializerOf : Initializer {
  using Value = InitializerOf;
  InitializerOf() : Initializer(Initializer::from_name(Initializer{Kind}.name())) {}
  [[nodiscard]] const InitializerOf& get() const noexcept { return *this; }
  [[nodiscard]] InitializerOf& get() noexcept { return *this; }
};

template <InitializerKind Kind>
void register_kind(py::module_& m, const char* class_name, const char* parameter, const char* doc) {
  using I = InitializerOf<Kind>;
  const Field<I, double> value{parameter, [](const I& i) { return i.parameter; },
                               [](I& i, double v) { i.parameter = v; }};
  py::class_<I, Initializer> cls(m, class_name, with_example(doc, "initializers", class_name, value).c_str());
  def_record(cls, class_name, [](const I&) {}, RecordKind::value, value);
}

}  // namespace

void register_initializer(py::module_& m) {
  py::class_<Initializer>(m, "Initializer",
                          "Initial values of weights: the base class of backpass.initializers. Biases start at zero.")
      .def_property_readonly(
          "name", [](const Initializer& self) { return std::string(self.name()); },
          "str : the name. As an argument, it means this initializer with its default parameter.");
  register_kind<InitializerKind::constant>(m, "Constant", "value", R"(All weights are `value`.

Parameters
----------
value : float
)");
  register_kind<InitializerKind::normal>(m, "Normal", "standard_deviation", R"(Normal distribution with mean zero.

Parameters
----------
standard_deviation : float
)");
  register_kind<InitializerKind::uniform>(m, "Uniform", "half_width",
                                          R"(Uniform distribution between −half_width and half_width.

Parameters
----------
half_width : float
)");
  register_kind<InitializerKind::orthogonal>(
      m, "Orthogonal", "gain",
      R"(W = gain · Q with orthonormal rows of Q, or orthonormal columns if these are fewer (Saxe et al. 2014).

Parameters
----------
gain : float
)");
}

}  // namespace backpass::python

/// backpass.initializers: initial values of weights.
#include <backpass/initializer.hpp>

#include "objects.hpp"
#include "record.hpp"

namespace backpass::python {
namespace {

/// The name of the parameter of a kind.
template <InitializerKind>
constexpr const char* kParameter = nullptr;
template <>
constexpr const char* kParameter<InitializerKind::constant> = "value";
template <>
constexpr const char* kParameter<InitializerKind::normal> = "standard_deviation";
template <>
constexpr const char* kParameter<InitializerKind::uniform> = "half_width";
template <>
constexpr const char* kParameter<InitializerKind::orthogonal> = "gain";

/// The Python class of an initializer kind with a parameter.
template <InitializerKind Kind>
struct InitializerOf : Initializer {
  using Value = InitializerOf;
  InitializerOf() : Initializer(Initializer::from_name(Initializer{Kind}.name())) {}
  [[nodiscard]] const InitializerOf& get() const noexcept { return *this; }
  [[nodiscard]] InitializerOf& get() noexcept { return *this; }
  static constexpr auto fields() {
    return std::tuple{Field<InitializerOf, double>{kParameter<Kind>, &InitializerOf::parameter}};
  }
};

template <InitializerKind Kind>
void register_kind(py::module_& m, const char* class_name, const char* doc) {
  using I = InitializerOf<Kind>;
  py::class_<I, Initializer> cls(m, class_name, with_example<I>(doc, "initializers", class_name).c_str());
  def_record(cls, class_name, [](const I&) {}, RecordKind::value);
}

}  // namespace

void register_initializer(py::module_& m) {
  py::class_<Initializer>(m, "Initializer",
                          "Initial values of weights: the base class of backpass.initializers. Biases start at zero.")
      .def_property_readonly(
          "name", [](const Initializer& self) { return std::string(self.name()); },
          "str : the name. As an argument, it means this initializer with its default parameter.");
  register_kind<InitializerKind::constant>(m, "Constant", R"(All weights are `value`.

Parameters
----------
value : float
)");
  register_kind<InitializerKind::normal>(m, "Normal", R"(Normal distribution with mean zero.

Parameters
----------
standard_deviation : float
)");
  register_kind<InitializerKind::uniform>(m, "Uniform",
                                          R"(Uniform distribution between −half_width and half_width.

Parameters
----------
half_width : float
)");
  register_kind<InitializerKind::orthogonal>(
      m, "Orthogonal",
      R"(W = gain · Q with orthonormal rows of Q, or orthonormal columns if these are fewer (Saxe et al. 2014).

Parameters
----------
gain : float
)");
}

}  // namespace backpass::python

/// The extension module backpass._core.
#include <backpass/version.hpp>

#include "bindings.hpp"

namespace backpass::python {
namespace {

/// The submodule `name`. Its public names are all names that do not start with an underscore.
void register_submodule(py::module_& m, const char* name, void (*register_classes)(py::module_&)) {
  py::module_ submodule = m.def_submodule(name);
  register_classes(submodule);
  guard_instances(submodule);
  py::list names;
  for (const auto& [key, value] : submodule.attr("__dict__").cast<py::dict>()) {
    if (!std::string(py::str(key)).starts_with('_')) {
      names.append(key);
    }
  }
  names.attr("sort")();
  submodule.attr("__all__") = names;
}

}  // namespace
}  // namespace backpass::python

PYBIND11_MODULE(_core, m) {
  namespace bindings = backpass::python;
  m.doc() = "The native part of backpass. Use the modules of the package instead: they document the public names.";
  m.attr("__version__") = BACKPASS_VERSION_STRING;

  bindings::register_error();
  bindings::register_runtime(m);
  bindings::register_restore(m);
  bindings::register_submodule(m, "activations", bindings::register_activation);
  bindings::register_submodule(m, "initializers", bindings::register_initializer);
  bindings::register_submodule(m, "losses", bindings::register_loss);
  bindings::register_submodule(m, "optim", bindings::register_optimizer);
  bindings::register_submodule(m, "schedules", bindings::register_schedule);
  bindings::register_layer(m);
  bindings::register_network(m);
  bindings::register_ensemble(m);
  bindings::guard_instances(m);
}

/// The extension module backpass._core.
#include <backpass/version.hpp>

#include "bindings.hpp"

PYBIND11_MODULE(_core, m) {
  namespace bindings = backpass::python;
  m.doc() = "The native part of backpass. Use the modules of the package instead: they document the public names.";
  m.attr("__version__") = BACKPASS_VERSION_STRING;

  bindings::register_error();
  bindings::register_runtime(m);
  bindings::register_activation(m);
  bindings::register_initializer(m);
  bindings::register_loss(m);
  bindings::register_optimizer(m);
  bindings::register_schedule(m);
  bindings::register_layer(m);
  bindings::register_network(m);
  bindings::guard_instances(m);
}

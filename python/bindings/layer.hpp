/// Views of a network's layers, which keep it alive.
#pragma once

#include <cstddef>

#include "any_network.hpp"

namespace backpass::python {

struct LayerObject {
  py::object owner;
  AnyNetwork* network;
  std::size_t index;
};
struct LayersObject {
  py::object owner;
  AnyNetwork* network;
  std::size_t size;
};

}  // namespace backpass::python

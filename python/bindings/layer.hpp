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

// For collected(). Every cycle through a layer goes on through its network, which clears what it holds.
inline int visit_objects(const LayerObject& layer, visitproc visit, void* arg) {
  Py_VISIT(layer.owner.ptr());
  return 0;
}
inline int visit_objects(const LayersObject& layers, visitproc visit, void* arg) {
  Py_VISIT(layers.owner.ptr());
  return 0;
}
inline void clear_objects(const LayerObject& /*layer*/) noexcept {}
inline void clear_objects(const LayersObject& /*layers*/) noexcept {}

}  // namespace backpass::python

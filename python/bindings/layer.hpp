/// Views of the layers of a network. They keep the network alive.
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

// collected() needs these. A layer has nothing to clear: every reference cycle through a layer also contains its
// network, which clears its references.
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

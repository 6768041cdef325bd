/// A network's lasting state: what its layers are, and their numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <backpass/network.hpp>

#include "base/aligned_buffer.hpp"

namespace backpass::nn {

template <class T>
struct Model {
  std::vector<std::size_t> sizes;  ///< M_0, …, M_N
  std::vector<LayerSpec> layers;   ///< N of them
  AlignedBuffer<T> parameters;     ///< layer by layer: Wt (M_{i-1}, M_i), then b (M_i)
  AlignedBuffer<T> gradients;      ///< likewise
  typename Network<T>::DropoutState dropout;

  [[nodiscard]] const T* weight(std::size_t i) const noexcept { return parameters.data() + layers[i].offset; }
  /// Null when the layer has none.
  [[nodiscard]] const T* bias(std::size_t i) const noexcept {
    return layers[i].bias ? weight(i) + layers[i].num_weights() : nullptr;
  }
  [[nodiscard]] std::size_t largest_layer() const noexcept;
  /// A user's own φ may do anything, so it only runs on the caller's thread.
  [[nodiscard]] bool has_custom_activation() const noexcept;
};

/// Checks the options and lays out the layers. \throws std::invalid_argument
std::vector<LayerSpec> make_layers(const NetworkOptions& options);
/// Draws weights from a seed; biases become zero. \param parameters  room for those of all layers
template <class T>
void initialize_parameters(std::span<const LayerSpec> layers, const PerLayer<Initializer>& init, std::uint64_t seed,
                           T* parameters);

}  // namespace backpass::nn

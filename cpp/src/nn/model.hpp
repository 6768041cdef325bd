/// A network's lasting state: what its layers are, and their numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <backpass/network.hpp>

#include "base/aligned_buffer.hpp"

namespace backpass::nn {

/// A number that no other network of this process has or had. A copy gets a new one; assignment keeps the own one.
class Identity {
 public:
  Identity() noexcept : value_(next()) {}
  Identity(const Identity& /*other*/) noexcept : value_(next()) {}
  Identity& operator=(const Identity& /*other*/) noexcept { return *this; }
  ~Identity() = default;
  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }
  /// Takes the place of another network: optimizers know this one by its number from now on.
  void replace(const Identity& other) noexcept { value_ = other.value_; }

 private:
  static std::uint64_t next() noexcept;
  std::uint64_t value_;
};

template <class T>
struct Model {
  Identity identity;               ///< which optimizers' states know
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

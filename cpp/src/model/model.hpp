/// The lasting state of a network: the description of its layers, the parameters and the gradients.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <backpass/network.hpp>

#include "base/aligned_buffer.hpp"

namespace backpass::model {

/// A number that is unique among all networks of this process, past and present. A copy gets a new number. An object
/// that is assigned to keeps its number.
class Identity {
 public:
  Identity() noexcept : value_(next()) {}
  Identity(const Identity& /*other*/) noexcept : value_(next()) {}
  Identity& operator=(const Identity& /*other*/) noexcept { return *this; }
  ~Identity() = default;
  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }
  /// Takes the number of another network, which this network replaces: the optimizers of that network accept this one.
  void replace(const Identity& other) noexcept { value_ = other.value_; }

 private:
  static std::uint64_t next() noexcept;
  std::uint64_t value_;
};

template <class T>
struct Model {
  Model() = default;
  Model(const Model& other);                ///< polls
  Model& operator=(const Model&) = delete;  // `memory` would no longer be unique to the arrays
  ~Model() = default;

  Identity identity;               ///< an optimizer's state stores it
  Identity memory;                 ///< unique to these layers and arrays, also if the network replaces another one
  std::vector<std::size_t> sizes;  ///< M_0, …, M_N
  std::vector<LayerSpec> layers;   ///< N layers
  AlignedBuffer<T> parameters;     ///< layer by layer: Wt (M_{i-1}, M_i) row-major, then b (M_i)
  AlignedBuffer<T> gradients;      ///< with the layout of the parameters
  typename Network<T>::DropoutState dropout;
  double dropout_scale = 1.0;  ///< factor on the dropout rates of training passes, for one step; a copy has 1
  std::uint64_t version = 0;   ///< number of changes of the parameters by steps and initialize()

  /// False until something has written the gradients, or could have. Threads that only take a view may set it at the
  /// same time.
  [[nodiscard]] bool has_gradients() noexcept {
    return std::atomic_ref(has_gradients_).load(std::memory_order_relaxed);
  }
  void set_has_gradients() noexcept { std::atomic_ref(has_gradients_).store(true, std::memory_order_relaxed); }

  // As in the equations, layers are numbered from 1 here: i = 1 … N.
  [[nodiscard]] std::size_t num_layers() const noexcept { return layers.size(); }  ///< N
  [[nodiscard]] const LayerSpec& layer(std::size_t i) const noexcept { return layers[i - 1]; }
  /// Wt of layer i, (M_{i-1}, M_i).
  [[nodiscard]] const T* weight(std::size_t i) const noexcept { return parameters.data() + layer(i).offset; }
  /// The biases of layer i, (M_i), or null if the layer has no bias.
  [[nodiscard]] const T* bias(std::size_t i) const noexcept {
    return layer(i).bias ? weight(i) + layer(i).num_weights() : nullptr;
  }
  /// The largest of M_0, …, M_N.
  [[nodiscard]] std::size_t largest_layer() const noexcept;
  /// True if a layer has a custom φ. User code may not be thread-safe, so it runs only on the caller's thread.
  [[nodiscard]] bool has_custom_activation() const noexcept;

 private:
  bool has_gradients_ = false;
};

/// Checks the options and computes the layout of the layers.
/// \throws std::invalid_argument for invalid options, std::bad_alloc if the number of parameters is too large
std::vector<LayerSpec> make_layers(const NetworkOptions& options);
/// Draws the weights from a seed and sets the biases to zero.
/// \param parameters  of all layers, with the layout of Model::parameters
template <class T>
void initialize_parameters(std::span<const LayerSpec> layers, const PerLayer<Initializer>& init, std::uint64_t seed,
                           T* parameters);

}  // namespace backpass::model

#include "model/model.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>

#include "base/require.hpp"
#include "base/text.hpp"
#include "runtime/interrupt.hpp"

namespace backpass::model {

std::uint64_t Identity::next() noexcept {
  static std::atomic<std::uint64_t> last{0};  // relaxed: the numbers must only differ
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}
namespace {

template <class V>
void require_entries(const PerLayer<V>& list, std::size_t entries, const char* what) {
  if (list.is_list() && list.values().size() != entries) {
    throw std::invalid_argument(std::string(what) + ": expected one value or a list of " + std::to_string(entries) +
                                ", got " + std::to_string(list.values().size()) + " entries");
  }
}

template <class T>
AlignedBuffer<T> copy_of(const AlignedBuffer<T>& buffer) {
  AlignedBuffer<T> copy(buffer.size(), Unwritten{});
  runtime::copy_in_parts(buffer.data(), buffer.size(), copy.data());
  return copy;
}

Activation activation_of(const NetworkOptions& options, std::size_t i, std::size_t n) {
  if (options.activation.is_list()) {
    return options.activation[i];
  }
  return i + 1 < n ? options.activation[0] : options.output.value_or(Activation::identity());
}

}  // namespace

std::vector<LayerSpec> make_layers(const NetworkOptions& options) {
  const auto& sizes = options.sizes;
  if (sizes.size() < 2) {
    throw std::invalid_argument("sizes: at least two entries (input and output) are needed, got " +
                                std::to_string(sizes.size()) + (sizes.size() == 1 ? " entry" : " entries"));
  }
  const std::size_t n = sizes.size() - 1;
  require_entries(options.activation, n, "activation");
  require_entries(options.bias, n, "bias");
  require_entries(options.dropout, n - 1, "dropout");
  require_entries(options.init, n, "init");
  for (const double p : options.dropout.values()) {
    require(Range::from_0_below_1, "network", "dropout", p);
  }
  if (options.activation.is_list() && options.output.has_value()) {
    throw std::invalid_argument("output: the list of activations already contains the output activation");
  }

  std::vector<LayerSpec> layers(n);
  std::size_t offset = 0;
  for (std::size_t i = 0; i < n; ++i) {
    LayerSpec& layer = layers[i];
    layer.inputs = sizes[i];
    layer.outputs = sizes[i + 1];
    if (layer.inputs == 0 || layer.outputs == 0) {
      throw std::invalid_argument("sizes: every layer needs at least one neuron, entry " +
                                  std::to_string(layer.inputs == 0 ? i : i + 1) + " is 0");
    }
    layer.activation = activation_of(options, i, n);
    layer.bias = options.bias[i];
    layer.dropout = i + 1 < n ? options.dropout[i] : 0.0;
    layer.offset = offset;
    // The sizes in bytes of the parameters, the gradients and up to three arrays of an optimizer must fit std::size_t.
    const std::size_t most = std::numeric_limits<std::size_t>::max() / 64;
    if (layer.inputs > most / layer.outputs || most - layer.num_parameters() < offset) {
      throw std::bad_alloc();
    }
    offset += layer.num_parameters();
  }
  return layers;
}

template <class T>
Model<T>::Model(const Model& other)
    : identity(other.identity),
      memory(other.memory),
      sizes(other.sizes),
      layers(other.layers),
      parameters(copy_of(other.parameters)),
      gradients(copy_of(other.gradients)),
      dropout(other.dropout),
      version(other.version),
      has_gradients_(other.has_gradients_) {}

template <class T>
std::size_t Model<T>::largest_layer() const noexcept {
  return *std::max_element(sizes.begin(), sizes.end());
}

template <class T>
bool Model<T>::has_custom_activation() const noexcept {
  return std::any_of(layers.begin(), layers.end(),
                     [](const LayerSpec& layer) { return layer.activation.kind() == ActivationKind::custom; });
}

template <class T>
void initialize_parameters(std::span<const LayerSpec> layers, const PerLayer<Initializer>& init, std::uint64_t seed,
                           T* parameters) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const LayerSpec& layer = layers[i];
    T* weight = parameters + layer.offset;
    initialize(init[i], layer.activation, MatrixView<T>(weight, layer.inputs, layer.outputs), Philox(seed, i),
               layers.size());
    if (layer.bias) {
      std::fill_n(weight + layer.num_weights(), layer.outputs, T(0));
    }
  }
}

template struct Model<float>;
template struct Model<double>;
template void initialize_parameters(std::span<const LayerSpec>, const PerLayer<Initializer>&, std::uint64_t, float*);
template void initialize_parameters(std::span<const LayerSpec>, const PerLayer<Initializer>&, std::uint64_t, double*);

}  // namespace backpass::model

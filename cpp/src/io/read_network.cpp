#include "io/read_network.hpp"

#include <charconv>
#include <string_view>
#include <utility>

#include <backpass/version.hpp>

#include "base/text.hpp"
#include "io/elements.hpp"
#include "io/text.hpp"
#include "pass/network_access.hpp"

namespace backpass::io {
namespace {

void check_format(const Metadata& metadata) {
  const std::string* format = find_text(metadata, key::kFormat);
  if (format == nullptr || *format != key::kFormatName || find_text(metadata, key::kFormatVersion) == nullptr) {
    throw FormatError("a safetensors file without backpass's metadata: backpass did not write it");
  }
  const std::uint64_t version = number_or_zero<std::uint64_t>(metadata, key::kFormatVersion);
  if (version > key::kNewestVersion) {
    const std::string* library = find_text(metadata, key::kLibraryVersion);
    throw FormatError("format version " + std::to_string(version) + ", written by backpass " +
                      in_quotes(library == nullptr ? "?" : *library) +
                      "; this is backpass " BACKPASS_VERSION_STRING " and reads versions up to " +
                      std::to_string(key::kNewestVersion));
  }
  if (version == 0) {
    throw FormatError("unsupported format version 0");
  }
}

NetworkOptions network_options(const Architecture& architecture) {
  NetworkOptions options;
  std::vector<Activation> activations;
  std::vector<bool> biases;
  std::vector<double> dropouts;
  options.sizes.push_back(architecture.layers.front().inputs);
  for (const LayerSpec& layer : architecture.layers) {
    options.sizes.push_back(layer.outputs);
    activations.push_back(layer.activation);
    biases.push_back(layer.bias);
    dropouts.push_back(layer.dropout);
  }
  dropouts.pop_back();  // the output layer has no dropout
  options.activation = std::move(activations);
  options.bias = std::move(biases);
  options.dropout = std::move(dropouts);
  options.init = Initializer{InitializerKind::zeros};
  options.seed = architecture.dropout_seed;
  return options;
}

}  // namespace

const std::string* find_text(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? nullptr : &found->second;
}

std::uint64_t number_or_zero(const Metadata& metadata, const char* key, std::uint64_t limit) {
  const std::string* text = find_text(metadata, key);
  if (text == nullptr) {
    return 0;
  }
  std::uint64_t value = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc() || stop != end || value > limit) {
    throw FormatError(std::string("the metadata's ") + key + " is " + in_quotes(*text) + ", not an integer from 0 to " +
                      std::to_string(limit));
  }
  return value;
}

std::map<std::string, std::string> user_metadata(Metadata metadata) {
  constexpr std::string_view kPrefix = key::kUserPrefix;
  std::map<std::string, std::string> result;
  while (!metadata.empty()) {
    auto node = metadata.extract(metadata.begin());
    if (node.key().starts_with(kPrefix)) {
      node.key().erase(0, kPrefix.size());
      result.insert(result.end(), std::move(node));
    }
  }
  return result;
}

std::size_t TensorReader::find(const std::string& name, ElementType type, const Shape& shape) {
  const Tensor* tensor = container_.find(name);
  if (tensor == nullptr) {
    throw FormatError("tensor " + in_quotes(name) + " of shape " + shape_text(shape) + " is missing");
  }
  if (tensor->type.name != type.name || tensor->shape != shape) {
    throw FormatError("tensor " + in_quotes(name) + " is " + std::string(tensor->type.name) +
                      shape_text(tensor->shape) + ", but " + owner_ + " needs " + std::string(type.name) +
                      shape_text(shape));
  }
  ++found_;
  return tensor->begin;
}

void TensorReader::finish() const {
  if (left() != 0) {
    throw FormatError(std::to_string(container_.tensors().size()) + " tensors in the file, but " + owner_ +
                      " has only " + std::to_string(found_));
  }
}

template <class T>
std::vector<LayerPlace> find_layers(const Architecture& architecture, const std::string& prefix,
                                    TensorReader& tensors) {
  std::vector<LayerPlace> result;
  const std::vector<std::string> modules = module_names(architecture);
  result.reserve(modules.size());
  for (std::size_t i = 0; i < modules.size(); ++i) {
    const LayerSpec& layer = architecture.layers[i];
    LayerPlace& place = result.emplace_back();
    place.weight = tensors.find<T>(prefix + weight_name(modules[i]), {layer.outputs, layer.inputs});
    if (layer.bias) {
      place.bias = tensors.find<T>(prefix + bias_name(modules[i]), {layer.outputs});
    }
  }
  return result;
}

template <class T>
Network<T> make_network(const Architecture& architecture, const std::vector<LayerPlace>& places, Source& source) {
  Network<T> network(network_options(architecture));
  NetworkAccess::set_initializers(network, architecture.init);
  network.set_dropout_state({architecture.dropout_seed, architecture.dropout_pass});
  Elements<T> elements;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const LayerSpec& layer = architecture.layers[i];
    network.layer(i).set_trainable(layer.trainable);
    network.layer(i).set_lr_scale(layer.lr_scale);
    network.layer(i).set_bias_lr_scale(layer.bias_lr_scale);
    const std::span<T> own = network.parameters().subspan(layer.offset, layer.num_parameters());
    elements.read_weights(source, places[i].weight, layer.inputs, layer.outputs, own.first(layer.num_weights()));
    if (layer.bias) {
      elements.read(source, places[i].bias, own.last(layer.outputs));
    }
  }
  return network;
}

Container open_container(Source& source) {
  Container container = Container::parse(source);
  check_format(container.metadata());
  return container;
}

#define BACKPASS_INSTANTIATE(T)                                                                            \
  template std::vector<LayerPlace> find_layers<T>(const Architecture&, const std::string&, TensorReader&); \
  template Network<T> make_network(const Architecture&, const std::vector<LayerPlace>&, Source&);
BACKPASS_INSTANTIATE(float)
BACKPASS_INSTANTIATE(double)
#undef BACKPASS_INSTANTIATE

}  // namespace backpass::io

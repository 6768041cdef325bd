#include "io/architecture.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

#include <backpass/error.hpp>

#include "base/checked.hpp"
#include "io/text.hpp"
#include "nn/network_impl.hpp"

namespace backpass::io {
namespace {

Json layer_to_json(const LayerSpec& layer, const Initializer& init) {
  Json object = {{"activation", layer.activation.name()},           {"bias", layer.bias},
                 {"dropout", number_to_json(layer.dropout)},        {"trainable", layer.trainable},
                 {"lr_scale", number_to_json(layer.lr_scale)},      {"init", init.name()},
                 {"init_parameter", number_to_json(init.parameter)}};
  if (layer.activation.has_parameter()) {
    object["activation_parameter"] = number_to_json(layer.activation.parameter());
  }
  return object;
}

Activation read_activation(ObjectReader& reader) {
  const std::string& name = reader.text("activation");
  const auto known = Activation::names();
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    reader.fail("unknown activation " + in_quotes(name));
  }
  Activation activation = Activation::from_name(name);
  if (!activation.has_parameter()) {
    return activation;
  }
  const double parameter = reader.finite_number("activation_parameter");
  try {
    return Activation::from_name(name, parameter);
  } catch (const std::invalid_argument& error) {
    reader.fail(error.what());
  }
}

Initializer read_initializer(ObjectReader& reader) {
  const std::string& name = reader.text("init");
  Initializer init;
  try {
    init = Initializer::from_name(name);
  } catch (const std::invalid_argument&) {
    reader.fail("unknown init " + in_quotes(name));
  }
  init.parameter = reader.finite_number("init_parameter");
  return init;
}

/// \param layer  its numbers of inputs and outputs and its offset are set already
Initializer read_settings(LayerSpec& layer, const Json& value, const std::string& where) {
  ObjectReader reader(value, where);
  layer.activation = read_activation(reader);
  layer.bias = reader.boolean("bias");
  layer.dropout = reader.finite_number("dropout");
  if (!(layer.dropout >= 0.0 && layer.dropout < 1.0)) {
    reader.fail("dropout is not in [0, 1)");
  }
  layer.trainable = reader.boolean("trainable");
  layer.lr_scale = reader.finite_number("lr_scale");
  if (layer.lr_scale < 0.0) {
    reader.fail("lr_scale is negative");
  }
  const Initializer init = read_initializer(reader);
  reader.finish();
  return init;
}

std::size_t read_size(const Json& value, std::size_t i) {
  const std::uint64_t size = to_count(value, "the network's size " + std::to_string(i));
  if (size == 0 || !std::in_range<std::size_t>(size)) {
    throw FormatError("the network's size " + std::to_string(i) + " is " + std::to_string(size));
  }
  return static_cast<std::size_t>(size);
}

/// Where the layer after this one begins. \throws FormatError when the bytes up to there cannot be counted
std::size_t end_of(const LayerSpec& layer) {
  const std::optional<std::size_t> weights = checked_mul(layer.inputs, layer.outputs);
  const std::optional<std::size_t> own = weights ? checked_add(*weights, layer.bias ? layer.outputs : 0) : std::nullopt;
  const std::optional<std::size_t> end = own ? checked_add(layer.offset, *own) : std::nullopt;
  if (!end || !checked_mul(*end, sizeof(double))) {
    throw FormatError("a layer of " + std::to_string(layer.inputs) + " inputs and " + std::to_string(layer.outputs) +
                      " outputs makes the network larger than any memory");
  }
  return *end;
}

}  // namespace

template <class T>
Architecture describe(const Network<T>& network) {
  const auto& impl = NetworkAccess::impl(network);
  Architecture result;
  result.type = kTypeName<T>;
  for (std::size_t i = 0; i < network.num_layers(); ++i) {
    const LayerSpec& layer = network.spec(i);
    if (layer.activation.kind() == ActivationKind::custom) {
      throw std::invalid_argument("layer " + std::to_string(i) +
                                  " has a Custom activation: a function cannot be saved in a file");
    }
    result.layers.push_back(layer);
    result.init.push_back(impl.init[i]);
  }
  result.dropout_seed = network.dropout_state().seed;
  result.dropout_pass = network.dropout_state().pass;
  return result;
}
template Architecture describe(const Network<float>&);
template Architecture describe(const Network<double>&);

Json architecture_to_json(const Architecture& architecture) {
  Json sizes = {architecture.layers.front().inputs};
  Json layers = Json::array();
  for (std::size_t i = 0; i < architecture.layers.size(); ++i) {
    sizes.push_back(architecture.layers[i].outputs);
    layers.push_back(layer_to_json(architecture.layers[i], architecture.init[i]));
  }
  return {{"dtype", architecture.type},
          {"sizes", std::move(sizes)},
          {"layers", std::move(layers)},
          {"dropout_state", {{"seed", architecture.dropout_seed}, {"pass", architecture.dropout_pass}}}};
}

Architecture architecture_from_json(const Json& value) {
  ObjectReader reader(value, "the network's description");
  Architecture result;
  result.type = reader.text("dtype");
  if (result.type != kTypeName<float> && result.type != kTypeName<double>) {
    reader.fail("unknown dtype " + in_quotes(result.type));
  }
  const Json& sizes = reader.list("sizes");
  const Json& layers = reader.list("layers");
  if (layers.empty() || sizes.size() != layers.size() + 1) {
    reader.fail(std::to_string(sizes.size()) + " sizes for " + std::to_string(layers.size()) + " layers");
  }
  std::size_t end = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    LayerSpec& layer = result.layers.emplace_back();
    layer.inputs = read_size(sizes[i], i);
    layer.outputs = read_size(sizes[i + 1], i + 1);
    layer.offset = end;
    result.init.push_back(read_settings(layer, layers[i], "layer " + std::to_string(i) + " of the network"));
    end = end_of(layer);
  }
  if (result.layers.back().dropout != 0.0) {
    reader.fail("dropout of the output layer");
  }
  ObjectReader dropout(reader.member("dropout_state"), "the network's dropout_state");
  result.dropout_seed = dropout.count("seed");
  result.dropout_pass = dropout.count("pass");
  dropout.finish();
  reader.finish();
  return result;
}

std::vector<std::string> module_names(const Architecture& architecture) {
  std::vector<std::string> names;
  std::size_t module = 0;
  for (const LayerSpec& layer : architecture.layers) {
    names.push_back(std::to_string(module));
    module += 1U + (layer.activation.kind() != ActivationKind::identity ? 1U : 0U) + (layer.dropout > 0.0 ? 1U : 0U);
  }
  return names;
}

}  // namespace backpass::io

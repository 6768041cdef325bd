#include "io/architecture.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <utility>

#include <backpass/error.hpp>

#include "base/checked.hpp"
#include "base/require.hpp"
#include "base/text.hpp"
#include "io/json.hpp"
#include "io/json_writer.hpp"
#include "io/metadata.hpp"
#include "io/poll.hpp"
#include "io/text.hpp"
#include "pass/network_access.hpp"

namespace backpass::io {
namespace {

std::string name_text(std::string_view name) { return '"' + std::string(name) + '"'; }

std::string layer_to_json(const LayerSpec& layer, const Initializer& init) {
  ObjectWriter object;
  object.set("activation", name_text(layer.activation.name()));
  if (layer.activation.has_parameter()) {
    object.set("activation_parameter", json_number(layer.activation.parameter()));
  }
  const LayerSpec defaults;
  for_each_field<LayerSpec>([&](const auto& field) {
    if (!field.optional || layer.*field.member != defaults.*field.member) {
      object.set(field.name, to_json(layer.*field.member));
    }
  });
  object.set("init", name_text(init.name()));
  object.set("init_parameter", json_number(init.parameter));
  return object.text();
}

Activation read_activation(ObjectReader& reader) {
  const std::string& name = reader.text("activation");
  const auto known = Activation::names();
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    reader.fail(unknown_text("activation", printable(name), known));
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
    init = Initializer::from_name(printable(name));
  } catch (const std::invalid_argument& error) {
    reader.fail(error.what());
  }
  init.parameter = reader.finite_number("init_parameter");
  return init;
}

/// \param layer  receives all settings except inputs, outputs and offset
/// \returns the layer's initializer
Initializer read_settings(LayerSpec& layer, const JsonValue& value, const std::string& where) {
  ObjectReader reader(value, where);
  layer.activation = read_activation(reader);
  for_each_field<LayerSpec>([&](const auto& field) {
    if (!field.optional || reader.has(field.name)) {
      reader.read(field.name, layer.*field.member);
    }
  });
  try {
    require_fields(layer);
  } catch (const std::invalid_argument& error) {
    reader.fail(error.what());
  }
  const Initializer init = read_initializer(reader);
  reader.finish();
  return init;
}

std::size_t read_size(const JsonValue& value, std::size_t i) {
  const std::uint64_t size = to_count(value, "the network's size " + std::to_string(i));
  if (size == 0) {
    throw FormatError("the network's size " + std::to_string(i) + " is " + std::to_string(size));
  }
  return size;
}

/// The offset of the next layer in the parameters.
/// \throws FormatError if the size in bytes up to there overflows std::size_t
std::size_t end_of(const LayerSpec& layer) {
  const std::optional<std::size_t> weights = checked_mul(layer.inputs, layer.outputs);
  const std::optional<std::size_t> own = weights ? checked_add(*weights, layer.bias ? layer.outputs : 0) : std::nullopt;
  const std::optional<std::size_t> end = own ? checked_add(layer.offset, *own) : std::nullopt;
  if (!end || !checked_mul(*end, sizeof(double))) {
    throw FormatError("a layer of " + std::to_string(layer.inputs) + " inputs and " + std::to_string(layer.outputs) +
                      " outputs makes the network too large to address");
  }
  return *end;
}

}  // namespace

template <class T>
Architecture describe(const Network<T>& network) {
  const PerLayer<Initializer>& initializers = NetworkAccess::initializers(network);
  Architecture result;
  result.type = type_name<T>;
  for (std::size_t i = 0; i < network.num_layers(); ++i) {
    const LayerSpec& layer = network.spec(i);
    if (layer.activation.kind() == ActivationKind::custom) {
      throw std::invalid_argument("layer " + std::to_string(i) +
                                  " has a Custom activation: a function cannot be saved in a file");
    }
    result.layers.push_back(layer);
    result.init.push_back(initializers[i]);
  }
  result.dropout_seed = network.dropout_state().seed;
  result.dropout_pass = network.dropout_state().pass;
  return result;
}
template Architecture describe(const Network<float>&);
template Architecture describe(const Network<double>&);

std::string architecture_to_json(const Architecture& architecture) {
  ListWriter sizes;
  ListWriter layers;
  Poll poll;
  sizes.add(std::to_string(architecture.layers.front().inputs));
  for (std::size_t i = 0; i < architecture.layers.size(); ++i) {
    sizes.add(std::to_string(architecture.layers[i].outputs));
    layers.add(layer_to_json(architecture.layers[i], architecture.init[i]));
    poll.done(sizeof(LayerSpec));
  }
  ObjectWriter dropout;
  dropout.set("seed", std::to_string(architecture.dropout_seed));
  dropout.set("pass", std::to_string(architecture.dropout_pass));
  ObjectWriter object;
  object.set("dtype", name_text(architecture.type));
  object.set("sizes", std::move(sizes).text());
  object.set("layers", std::move(layers).text());
  object.set("dropout_state", dropout.text());
  return object.text();
}

Architecture architecture_from_json(std::string_view text, std::size_t num_tensors) {
  const std::string what = std::string("the metadata's ") + key::kNetwork;
  Architecture result;
  std::vector<std::size_t> sizes;
  const auto require_tensors = [&](std::size_t num_layers) {
    if (num_layers > num_tensors) {
      throw FormatError(what + " has more layers than the file has tensors");
    }
  };
  const ListSink sinks[] = {
      {"", "sizes",
       [&](const JsonValue& value) {
         require_tensors(sizes.size());
         sizes.push_back(read_size(value, sizes.size()));
       }},
      {"", "layers", [&](const JsonValue& value) {
         const std::size_t i = result.layers.size();
         require_tensors(i + 1);
         LayerSpec& layer = result.layers.emplace_back();
         result.init.push_back(read_settings(layer, value, "layer " + std::to_string(i) + " of the network"));
       }}};
  const JsonValue value = parse_json(text, what, sinks);

  ObjectReader reader(value, "the network's description");
  result.type = reader.text("dtype");
  if (result.type != type_name<float> && result.type != type_name<double>) {
    reader.fail(unknown_text("dtype", printable(result.type), std::array{type_name<float>, type_name<double>}));
  }
  (void)reader.list("layers");
  (void)reader.list("sizes");
  if (result.layers.empty() || sizes.size() != result.layers.size() + 1) {
    reader.fail(std::to_string(sizes.size()) + " sizes for " + std::to_string(result.layers.size()) + " layers");
  }
  std::size_t end = 0;
  for (std::size_t i = 0; i < result.layers.size(); ++i) {
    LayerSpec& layer = result.layers[i];
    layer.inputs = sizes[i];
    layer.outputs = sizes[i + 1];
    layer.offset = end;
    end = end_of(layer);
  }
  if (result.layers.back().dropout != 0.0) {
    reader.fail("the output layer has dropout");
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
  names.reserve(architecture.layers.size());
  std::size_t module = 0;
  for (const LayerSpec& layer : architecture.layers) {
    names.push_back(std::to_string(module));
    module += 1U + (layer.activation.kind() != ActivationKind::identity ? 1U : 0U) + (layer.dropout > 0.0 ? 1U : 0U);
  }
  return names;
}

}  // namespace backpass::io

#include "io/write_network.hpp"

#include <cstddef>

#include <backpass/version.hpp>

#include "io/elements.hpp"
#include "io/metadata.hpp"

namespace backpass::io {

Metadata library_metadata(const std::map<std::string, std::string>& user) {
  Metadata metadata = {{key::kFormat, key::kFormatName},
                       {key::kFormatVersion, std::to_string(key::kNewestVersion)},
                       {key::kLibraryVersion, BACKPASS_VERSION_STRING}};
  for (const auto& [name, text] : user) {
    metadata[key::kUserPrefix + name] = text;
  }
  return metadata;
}

template <class T>
void add_entries(const Architecture& architecture, const std::string& prefix, std::vector<TensorEntry>& entries) {
  const std::vector<std::string> modules = module_names(architecture);
  for (std::size_t i = 0; i < modules.size(); ++i) {
    const LayerSpec& layer = architecture.layers[i];
    entries.push_back({prefix + weight_name(modules[i]), kElementType<T>, {layer.outputs, layer.inputs}});
    if (layer.bias) {
      entries.push_back({prefix + bias_name(modules[i]), kElementType<T>, {layer.outputs}});
    }
  }
}

template <class T>
void write_layers(const Architecture& architecture, std::span<const T> parameters, Sink& sink) {
  Elements<T> elements;
  for (const LayerSpec& layer : architecture.layers) {
    const std::span<const T> own = parameters.subspan(layer.offset, layer.num_parameters());
    elements.write_weights(own.first(layer.num_weights()), layer.inputs, layer.outputs, sink);
    if (layer.bias) {
      elements.write(own.last(layer.outputs), sink);
    }
  }
}

#define BACKPASS_INSTANTIATE(T)                                                                     \
  template void add_entries<T>(const Architecture&, const std::string&, std::vector<TensorEntry>&); \
  template void write_layers(const Architecture&, std::span<const T>, Sink&);
BACKPASS_INSTANTIATE(float)
BACKPASS_INSTANTIATE(double)
#undef BACKPASS_INSTANTIATE

}  // namespace backpass::io

/// Saving: a network and what belongs to its training, as one safetensors container.
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <backpass/serialize.hpp>
#include <backpass/version.hpp>

#include "io/architecture.hpp"
#include "io/container.hpp"
#include "io/elements.hpp"
#include "io/file.hpp"
#include "io/metadata.hpp"
#include "io/optimizer_state.hpp"
#include "io/settings_json.hpp"

namespace backpass {
namespace {

using namespace io;  // NOLINT(google-build-using-namespace): this file is the library's face of io

/// Everything but the tensors. \throws std::invalid_argument when something cannot be saved
template <class T>
Metadata describe_all(const Network<T>& network, const Architecture& architecture, const SaveOptions& options) {
  if (options.steps < 0) {
    throw std::invalid_argument("cannot save " + std::to_string(options.steps) + " steps");
  }
  Metadata metadata = {{key::kFormat, key::kFormatName},
                       {key::kFormatVersion, std::to_string(key::kNewestVersion)},
                       {key::kLibraryVersion, BACKPASS_VERSION_STRING},
                       {key::kNetwork, architecture_to_json(architecture).dump()}};
  if (options.optimizer) {
    const Json optimizer =
        stateful_optimizer_to_json<T>(*options.optimizer, network.num_parameters(), network.num_layers());
    metadata[key::kOptimizer] = optimizer.dump();
  }
  if (options.schedule != nullptr) {
    metadata[key::kSchedule] = schedule_to_json(*options.schedule).dump();
  }
  if (options.epochs != 0) {
    metadata[key::kEpochs] = std::to_string(options.epochs);
  }
  if (options.steps != 0) {
    metadata[key::kSteps] = std::to_string(options.steps);
  }
  for (const auto& [name, text] : options.metadata) {
    metadata[key::kUserPrefix + name] = text;
  }
  return metadata;
}

}  // namespace

template <class T>
std::vector<std::byte> to_bytes(const Network<T>& network, const SaveOptions& options) {
  const Architecture architecture = describe(network);
  const Metadata metadata = describe_all(network, architecture, options);
  const std::vector<std::vector<T>> none;
  const auto& slots = options.optimizer ? options.optimizer->state().template arrays<T>() : none;

  // The order of the tensors is that of the parameters, and the same below where they are filled.
  std::vector<ContainerWriter::Entry> entries;
  const std::vector<std::string> modules = module_names(architecture);
  for (std::size_t i = 0; i < modules.size(); ++i) {
    const LayerSpec& layer = architecture.layers[i];
    entries.push_back({weight_name(modules[i]), kElementType<T>, {layer.outputs, layer.inputs}});
    if (layer.bias) {
      entries.push_back({bias_name(modules[i]), kElementType<T>, {layer.outputs}});
    }
  }
  for (std::size_t i = 0; i < slots.size(); ++i) {
    entries.push_back({slot_name(i), kElementType<T>, {slots[i].size()}});
  }

  ContainerWriter writer(metadata, entries);
  std::size_t next = 0;
  for (const LayerSpec& layer : architecture.layers) {
    const std::span<const T> own = network.parameters().subspan(layer.offset, layer.num_parameters());
    store_weights(own.first(layer.num_weights()), layer.inputs, layer.outputs, writer.data(next++));
    if (layer.bias) {
      store_elements(own.last(layer.outputs), writer.data(next++));
    }
  }
  for (const std::vector<T>& slot : slots) {
    store_elements(std::span<const T>(slot), writer.data(next++));
  }
  return std::move(writer).take();
}

template <class T>
void save(const std::filesystem::path& path, const Network<T>& network, const SaveOptions& options) {
  replace_file(path, to_bytes(network, options));
}

template <class T>
void Network<T>::save(const std::filesystem::path& path) const {
  backpass::save(path, *this);
}

template <class T>
void Network<T>::save(const std::filesystem::path& path, const SaveOptions& options) const {
  backpass::save(path, *this, options);
}

#define BACKPASS_INSTANTIATE(T)                                                                            \
  template BACKPASS_EXPORT std::vector<std::byte> to_bytes(const Network<T>&, const SaveOptions&);         \
  template BACKPASS_EXPORT void save(const std::filesystem::path&, const Network<T>&, const SaveOptions&); \
  template BACKPASS_EXPORT void Network<T>::save(const std::filesystem::path&) const;                      \
  template BACKPASS_EXPORT void Network<T>::save(const std::filesystem::path&, const SaveOptions&) const;
BACKPASS_INSTANTIATE(float)
BACKPASS_INSTANTIATE(double)

}  // namespace backpass

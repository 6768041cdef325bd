#include "io/read_ensemble.hpp"

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <backpass/error.hpp>

#include "io/read_network.hpp"

namespace backpass {
namespace io {
namespace {

/// An ensemble whose numbers have not been read yet.
struct OpenedEnsemble {
  Source& source;
  Container container;
  std::vector<Architecture> members;
};

/// \param container  from open_container(source)
OpenedEnsemble open_ensemble(Source& source, Container container) {
  Metadata& metadata = container.metadata();
  if (find_text(metadata, key::kMembers) == nullptr) {
    throw FormatError(find_text(metadata, key::kNetwork) == nullptr
                          ? "the metadata has no description of an ensemble"
                          : "the file contains one network and not an ensemble: load it as a Network");
  }
  const auto count = number_or_zero<std::size_t>(metadata, key::kMembers);
  if (count == 0) {
    throw FormatError("the ensemble has no members");
  }
  std::vector<Architecture> members;
  std::size_t tensors_left = container.tensors().size();  // each layer has at least one tensor
  for (std::size_t k = 0; k < count; ++k) {
    // The number of keys bounds this loop.
    const auto text = metadata.extract(key::member_network(k));
    if (text.empty()) {
      throw FormatError("the metadata has no description of member " + std::to_string(k) + " of " +
                        std::to_string(count));
    }
    try {
      members.push_back(architecture_from_json(text.mapped(), tensors_left));
    } catch (const FormatError& error) {
      throw FormatError("member " + std::to_string(k) + ": " + error.what());
    }
    const Architecture& first = members.front();
    const Architecture& last = members.back();
    if (last.type != first.type || last.layers.front().inputs != first.layers.front().inputs ||
        last.layers.back().outputs != first.layers.back().outputs) {
      throw FormatError("member " + std::to_string(k) + " has other inputs, outputs or numbers than member 0");
    }
    tensors_left -= last.layers.size();
  }
  return {source, std::move(container), std::move(members)};
}

template <class T>
SavedEnsemble<T> make_ensemble(OpenedEnsemble file) {
  require_type<T>(file.members.front());
  TensorReader tensors(file.container, "the ensemble");
  std::vector<std::vector<LayerPlace>> places;
  places.reserve(file.members.size());
  for (std::size_t k = 0; k < file.members.size(); ++k) {
    places.push_back(find_layers<T>(file.members[k], member_prefix(k), tensors));
  }
  tensors.finish();
  std::map<std::string, std::string> metadata = user_metadata(std::move(file.container.metadata()));
  file.container = {};  // with many small layers, the tensors' names take more memory than the parameters
  std::vector<std::shared_ptr<Network<T>>> networks;
  networks.reserve(file.members.size());
  for (std::size_t k = 0; k < file.members.size(); ++k) {
    networks.push_back(std::make_shared<Network<T>>(make_network<T>(file.members[k], places[k], file.source)));
    file.members[k] = {};
  }
  return {Ensemble<T>::of(std::move(networks)), std::move(metadata)};
}

}  // namespace

AnySavedEnsemble read_any_ensemble(Source& source, Container container) {
  OpenedEnsemble file = open_ensemble(source, std::move(container));
  if (file.members.front().type == type_name<float>) {
    return make_ensemble<float>(std::move(file));
  }
  return make_ensemble<double>(std::move(file));
}

}  // namespace io

AnySavedEnsemble ensemble_from_bytes(std::span<const std::byte> bytes) {
  io::MemorySource source(bytes);
  return io::read_any_ensemble(source, io::open_container(source));
}

template <class T>
SavedEnsemble<T> load_ensemble(const std::filesystem::path& path) {
  return io::load_file(path, [](io::Source& source) {
    return io::make_ensemble<T>(io::open_ensemble(source, io::open_container(source)));
  });
}

template <class T>
Ensemble<T> Ensemble<T>::load(const std::filesystem::path& path) {
  return load_ensemble<T>(path).ensemble;
}

#define BACKPASS_INSTANTIATE(T)                                                          \
  template BACKPASS_EXPORT SavedEnsemble<T> load_ensemble(const std::filesystem::path&); \
  template BACKPASS_EXPORT Ensemble<T> Ensemble<T>::load(const std::filesystem::path&);
BACKPASS_INSTANTIATE(float)
BACKPASS_INSTANTIATE(double)
#undef BACKPASS_INSTANTIATE

}  // namespace backpass

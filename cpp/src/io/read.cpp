/// Loading of a network with the state of its training. io/read_network.hpp says what the checks of a file ensure.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <backpass/ensemble.hpp>
#include <backpass/error.hpp>
#include <backpass/serialize.hpp>

#include "io/elements.hpp"
#include "io/json.hpp"
#include "io/optimizer_state.hpp"
#include "io/read_ensemble.hpp"
#include "io/read_network.hpp"
#include "io/settings_json.hpp"
#include "io/text.hpp"
#include "io/training_memory.hpp"
#include "pass/network_access.hpp"

namespace backpass {
namespace {

using namespace io;  // NOLINT(google-build-using-namespace): implements public functions with io

/// An optimizer whose slots have not been read yet.
struct FoundOptimizer {
  Optimizer optimizer;
  std::vector<std::size_t> slots;  ///< first byte of each slot in the file
};

template <class T>
std::optional<FoundOptimizer> find_optimizer(const Container& container, const Architecture& architecture,
                                             TensorReader& tensors) {
  const std::string* text = find_text(container.metadata(), key::kOptimizer);
  if (text == nullptr) {
    return std::nullopt;
  }
  StoredOptimizer stored = stateful_optimizer_from_json<T>(*text, architecture.layers.size());
  FoundOptimizer found{std::move(stored.optimizer), {}};
  for (std::size_t i = 0; i < stored.num_slots; ++i) {
    found.slots.push_back(tensors.find<T>(slot_name(i), {architecture.num_parameters()}));
  }
  return found;
}

/// \param begin  first byte of the elements in the file
template <class T>
std::vector<T> read_array(std::size_t begin, std::size_t size, Source& source) {
  constexpr std::size_t kPiece = kPieceBytes / sizeof(T);
  Elements<T> elements;
  std::vector<T> array;
  array.reserve(size);
  while (array.size() < size) {  // resize in pieces, with polls: to fill a large array with zeros takes long
    const std::size_t had = array.size();
    array.resize(std::min(size, had + kPiece));
    elements.read(source, begin + had * sizeof(T), std::span<T>(array).subspan(had));
  }
  return array;
}

template <class T>
Optimizer read_optimizer(FoundOptimizer found, std::size_t num_parameters, Source& source) {
  auto& arrays = OptimizerRef(found.optimizer).state().template arrays<T>();
  for (const std::size_t begin : found.slots) {
    arrays.push_back(read_array<T>(begin, num_parameters, source));
  }
  return std::move(found.optimizer);
}

std::optional<Schedule> make_schedule(const Container& container, const char* key) {
  const std::string* text = find_text(container.metadata(), key);
  if (text == nullptr) {
    return std::nullopt;
  }
  return schedule_from_json(parse_json(*text, std::string("the metadata's ") + key));
}

/// The memory of a training. Its parameters and the numbers of its history have not been read yet.
struct FoundMemory {
  TrainingMemory memory;
  std::optional<std::size_t> parameters;  ///< first byte of the parameters in the file
  std::size_t history = 0;                ///< first byte of the history
};

template <class T>
FoundMemory find_memory(const Container& container, const Architecture& architecture, TensorReader& tensors) {
  const std::string* text = find_text(container.metadata(), key::kMemory);
  if (text == nullptr) {
    return {};
  }
  StoredMemory stored = memory_from_json(parse_json(*text, std::string("the metadata's ") + key::kMemory));
  FoundMemory found;
  found.memory = std::move(stored.memory);
  found.memory.dropout_schedule = make_schedule(container, key::kDropoutSchedule);
  found.memory.weight_decay_schedule = make_schedule(container, key::kWeightDecaySchedule);
  TrainingPosition& position = found.memory.position;
  position.epochs = number_or_zero<std::size_t>(container.metadata(), key::kEpochs);
  position.steps = static_cast<std::size_t>(number_or_zero<std::int64_t>(container.metadata(), key::kSteps));
  found.history = tensors.find<double>(kHistory, {found.memory.history.series.size(), position.epochs});
  if (stored.has_parameters) {
    found.parameters = tensors.find<T>(kBestParameters, {architecture.num_parameters()});
  }
  return found;
}

// ---- a whole file

/// An open file. Everything has been checked except the shapes of the tensors and the state of the training.
struct Opened {
  Source& source;
  Container container;
  Architecture architecture;
};

/// \param container  from open_container()
Opened open(Source& source, Container container) {
  const auto network = container.metadata().extract(key::kNetwork);
  if (network.empty()) {
    if (const std::string* members = find_text(container.metadata(), key::kMembers)) {
      throw FormatError("the file contains an ensemble of " + printable(*members) +
                        " networks and not one network: load it as an Ensemble");
    }
    throw FormatError("the metadata has no description of the network");
  }
  Architecture architecture = architecture_from_json(network.mapped(), container.tensors().size());
  return {source, std::move(container), std::move(architecture)};
}

template <class T>
SavedTraining<T> make_checkpoint(Opened file) {
  require_type<T>(file.architecture);
  TensorReader tensors(file.container, "the network");
  const std::vector<LayerPlace> layers = find_layers<T>(file.architecture, "", tensors);
  std::optional<FoundOptimizer> optimizer = find_optimizer<T>(file.container, file.architecture, tensors);
  FoundMemory memory = find_memory<T>(file.container, file.architecture, tensors);
  tensors.finish();
  std::optional<Schedule> schedule = make_schedule(file.container, key::kSchedule);
  Metadata& metadata = file.container.metadata();
  const auto epochs = number_or_zero<std::size_t>(metadata, key::kEpochs);
  const auto steps = number_or_zero<std::int64_t>(metadata, key::kSteps);
  std::map<std::string, std::string> own = user_metadata(std::move(metadata));
  file.container = {};  // with many small layers, the tensors' names take more memory than the parameters

  SavedTraining<T> result{.network = make_network<T>(file.architecture, layers, file.source),
                          .optimizer = std::nullopt,
                          .schedule = std::move(schedule),
                          .epochs = epochs,
                          .steps = steps,
                          .metadata = std::move(own),
                          .memory = std::move(memory.memory)};
  if (optimizer) {
    result.optimizer = read_optimizer<T>(*std::move(optimizer), file.architecture.num_parameters(), file.source);
    NetworkAccess::set_owner(OptimizerRef(*result.optimizer).state(), result.network);
  }
  const std::size_t num_epochs = result.memory.position.epochs;
  result.memory.history.epochs = num_epochs;
  for (auto& [name, values] : result.memory.history.series) {
    values = read_array<double>(memory.history, num_epochs, file.source);
    memory.history += num_epochs * sizeof(double);
  }
  if (memory.parameters) {
    result.memory.template parameters<T>() =
        read_array<T>(*memory.parameters, file.architecture.num_parameters(), file.source);
  }
  return result;
}

AnySavedTraining make_any_checkpoint(Opened file) {
  if (file.architecture.type == type_name<float>) {
    return make_checkpoint<float>(std::move(file));
  }
  return make_checkpoint<double>(std::move(file));
}

}  // namespace

AnySavedTraining from_bytes(std::span<const std::byte> bytes) {
  MemorySource source(bytes);
  return make_any_checkpoint(open(source, open_container(source)));
}

AnySavedTraining load_any_checkpoint(const std::filesystem::path& path) {
  return load_file(path, [](Source& source) { return make_any_checkpoint(open(source, open_container(source))); });
}

AnySaved load_any(const std::filesystem::path& path) {
  const auto widen = [](auto saved) { return std::visit([](auto& one) { return AnySaved(std::move(one)); }, saved); };
  return load_file(path, [&](Source& source) {
    Container container = open_container(source);
    return find_text(container.metadata(), key::kMembers) == nullptr
               ? widen(make_any_checkpoint(open(source, std::move(container))))
               : widen(read_any_ensemble(source, std::move(container)));
  });
}

template <class T>
SavedTraining<T> load_checkpoint(const std::filesystem::path& path) {
  return load_file(path, [](Source& source) { return make_checkpoint<T>(open(source, open_container(source))); });
}

template <class T>
Network<T> Network<T>::load(const std::filesystem::path& path) {
  return load_checkpoint<T>(path).network;
}

#define BACKPASS_INSTANTIATE(T)                                                            \
  template BACKPASS_EXPORT SavedTraining<T> load_checkpoint(const std::filesystem::path&); \
  template BACKPASS_EXPORT Network<T> Network<T>::load(const std::filesystem::path&);
BACKPASS_INSTANTIATE(float)
BACKPASS_INSTANTIATE(double)
#undef BACKPASS_INSTANTIATE

}  // namespace backpass

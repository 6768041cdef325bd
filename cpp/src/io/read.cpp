/// Loading. A file is untrusted: everything is checked before it is used, and memory is bounded by the size of the
/// file. Numbers are read in pieces, directly to their destination; the whole file is never in memory.
#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <backpass/error.hpp>
#include <backpass/serialize.hpp>
#include <backpass/version.hpp>

#include "base/text.hpp"
#include "io/architecture.hpp"
#include "io/container.hpp"
#include "io/elements.hpp"
#include "io/file.hpp"
#include "io/json.hpp"
#include "io/metadata.hpp"
#include "io/optimizer_state.hpp"
#include "io/settings_json.hpp"
#include "io/text.hpp"
#include "io/training_memory.hpp"
#include "pass/network_access.hpp"

namespace backpass {
namespace {

using namespace io;  // NOLINT(google-build-using-namespace): implements public functions with io

// ---- metadata

const std::string* find(const Metadata& metadata, const char* name) {
  const auto found = metadata.find(name);
  return found == metadata.end() ? nullptr : &found->second;
}

/// Reads a decimal integer in [0, limit]. \throws FormatError
std::uint64_t to_number(const char* name, const std::string& text, std::uint64_t limit) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value > limit) {
    throw FormatError(std::string("the metadata's ") + name + " is " + in_quotes(text) + ", not an integer from 0 to " +
                      std::to_string(limit));
  }
  return value;
}

template <class Number>
Number number_or_zero(const Metadata& metadata, const char* name) {
  const std::string* text = find(metadata, name);
  return text == nullptr ? Number{0}
                         : static_cast<Number>(
                               to_number(name, *text, static_cast<std::uint64_t>(std::numeric_limits<Number>::max())));
}

void check_format(const Metadata& metadata) {
  const std::string* format = find(metadata, key::kFormat);
  if (format == nullptr || *format != key::kFormatName || find(metadata, key::kFormatVersion) == nullptr) {
    throw FormatError("a safetensors file without backpass's metadata: backpass did not write it");
  }
  const std::uint64_t version = number_or_zero<std::uint64_t>(metadata, key::kFormatVersion);
  if (version > key::kNewestVersion) {
    const std::string* library = find(metadata, key::kLibraryVersion);
    throw FormatError("format version " + std::to_string(version) + ", written by backpass " +
                      in_quotes(library == nullptr ? "?" : *library) +
                      "; this is backpass " BACKPASS_VERSION_STRING " and reads versions up to " +
                      std::to_string(key::kNewestVersion));
  }
  if (version == 0) {
    throw FormatError("unsupported format version 0");
  }
}

// ---- tensors

/// Finds tensors by name and counts them. A tensor that was not requested is an error.
class TensorReader {
 public:
  explicit TensorReader(const Container& container) : container_(container) {}

  /// \returns the first byte of the tensor's elements in the file
  /// \throws FormatError unless there is a tensor of that name, type and shape
  template <class T>
  std::size_t find(const std::string& name, const Shape& shape) {
    const Tensor* tensor = container_.find(name);
    if (tensor == nullptr) {
      throw FormatError("tensor " + in_quotes(name) + " of shape " + shape_text(shape) + " is missing");
    }
    if (tensor->type.name != kElementType<T>.name || tensor->shape != shape) {
      throw FormatError("tensor " + in_quotes(name) + " is " + std::string(tensor->type.name) +
                        shape_text(tensor->shape) + ", but the network needs " + std::string(kElementType<T>.name) +
                        shape_text(shape));
    }
    ++found_;
    return tensor->begin;
  }

  /// \throws FormatError if the file has a tensor that was not requested
  void finish() const {
    if (found_ != container_.tensors().size()) {
      throw FormatError(std::to_string(container_.tensors().size()) +
                        " tensors in the file, but the network has only " + std::to_string(found_));
    }
  }

 private:
  const Container& container_;
  std::size_t found_ = 0;
};

/// The first bytes of a layer's tensors in the file.
struct LayerPlace {
  std::size_t weight = 0;
  std::size_t bias = 0;
};

template <class T>
std::vector<LayerPlace> find_layers(const Architecture& architecture, TensorReader& tensors) {
  std::vector<LayerPlace> result;
  const std::vector<std::string> modules = module_names(architecture);
  result.reserve(modules.size());
  for (std::size_t i = 0; i < modules.size(); ++i) {
    const LayerSpec& layer = architecture.layers[i];
    LayerPlace& place = result.emplace_back();
    place.weight = tensors.find<T>(weight_name(modules[i]), {layer.outputs, layer.inputs});
    if (layer.bias) {
      place.bias = tensors.find<T>(bias_name(modules[i]), {layer.outputs});
    }
  }
  return result;
}

// ---- the network

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

/// \param places  from find_layers(), which has checked the shapes: the file is at least as large as the network, and
///                its size bounds the allocation
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

/// An optimizer whose slots have not been read yet.
struct FoundOptimizer {
  Optimizer optimizer;
  std::vector<std::size_t> slots;  ///< first byte of each slot in the file
};

template <class T>
std::optional<FoundOptimizer> find_optimizer(const Container& container, const Architecture& architecture,
                                             TensorReader& tensors) {
  const std::string* text = find(container.metadata(), key::kOptimizer);
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
  const std::string* text = find(container.metadata(), key);
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
  const std::string* text = find(container.metadata(), key::kMemory);
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

/// The entries of the user, without the prefix. Drops all other entries.
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

// ---- a whole file

/// An open file. Everything has been checked except the shapes of the tensors and the state of the training.
struct Opened {
  Source& source;
  Container container;
  Architecture architecture;
};

Opened open(Source& source) {
  Container container = Container::parse(source);
  check_format(container.metadata());
  const auto network = container.metadata().extract(key::kNetwork);
  if (network.empty()) {
    throw FormatError("the metadata has no description of the network");
  }
  Architecture architecture = architecture_from_json(network.mapped(), container.tensors().size());
  return {source, std::move(container), std::move(architecture)};
}

template <class T>
SavedTraining<T> make_checkpoint(Opened file) {
  if (file.architecture.type != type_name<T>) {
    throw FormatError("the file contains a " + file.architecture.type + " network, but " + type_name<T> +
                      " was requested");
  }
  TensorReader tensors(file.container);
  const std::vector<LayerPlace> layers = find_layers<T>(file.architecture, tensors);
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

/// Opens a file and returns make(opened file). Adds the path to the message of a FormatError.
template <class F>
auto load_file(const std::filesystem::path& path, F&& make) {
  try {
    InputFile file(path);
    return make(open(file));
  } catch (const FormatError& error) {
    throw FormatError(path.string() + ": " + error.what());
  }
}

}  // namespace

AnySavedTraining from_bytes(std::span<const std::byte> bytes) {
  MemorySource source(bytes);
  return make_any_checkpoint(open(source));
}

AnySavedTraining load_any_checkpoint(const std::filesystem::path& path) { return load_file(path, make_any_checkpoint); }

template <class T>
SavedTraining<T> load_checkpoint(const std::filesystem::path& path) {
  return load_file(path, make_checkpoint<T>);
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

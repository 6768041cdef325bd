/// Loading: nothing in a file is believed before it has been checked, and nothing is allocated that the file's own
/// bytes do not pay for.
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

#include "io/architecture.hpp"
#include "io/container.hpp"
#include "io/elements.hpp"
#include "io/file.hpp"
#include "io/metadata.hpp"
#include "io/optimizer_state.hpp"
#include "io/settings_json.hpp"
#include "io/text.hpp"
#include "nn/network_impl.hpp"

namespace backpass {
namespace {

using namespace io;  // NOLINT(google-build-using-namespace): this file is the library's face of io

// ---- metadata

const std::string* find(const Metadata& metadata, const char* name) {
  const auto found = metadata.find(name);
  return found == metadata.end() ? nullptr : &found->second;
}

/// A plain decimal number up to `limit`. \throws FormatError
std::uint64_t to_number(const char* name, const std::string& text, std::uint64_t limit) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value > limit) {
    throw FormatError(std::string("the metadata's ") + name + " is " + in_quotes(text) + ", no number up to " +
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
    throw FormatError("format version 0, which never was");
  }
}

/// The JSON text under a key, with a limit on what it may describe: more entries than a file of so many tensors has use
/// for are refused, since a tree of them takes many times the memory of their text.
Json parse_text(const std::string& text, const char* name, std::size_t num_tensors) {
  constexpr std::size_t kEntriesPerTensor = 20;  // a layer has at most 18, and one tensor at least
  constexpr std::size_t kOtherEntries = 512;     // 16 schedules behind each other have less
  return parse_json(text, std::string("the metadata's ") + name, kOtherEntries + kEntriesPerTensor * num_tensors);
}

// ---- tensors

/// Finds tensors by name, and counts them: those that nobody asked for are an error.
class TensorReader {
 public:
  explicit TensorReader(const Container& container) : container_(container) {}

  /// \throws FormatError unless there is one of that name, type and shape
  template <class T>
  std::span<const std::byte> find(const std::string& name, const Shape& shape) {
    const Tensor* tensor = container_.find(name);
    if (tensor == nullptr) {
      throw FormatError("tensor " + in_quotes(name) + " of shape " + shape_text(shape) + " is missing");
    }
    if (tensor->type.name != kElementType<T>.name || tensor->shape != shape) {
      throw FormatError("tensor " + in_quotes(name) + " is " + std::string(tensor->type.name) +
                        shape_text(tensor->shape) + ", but the network's is " + std::string(kElementType<T>.name) +
                        shape_text(shape));
    }
    ++found_;
    return tensor->bytes;
  }

  void finish() const {
    if (found_ != container_.tensors().size()) {
      throw FormatError(std::to_string(container_.tensors().size()) + " tensors, of which the network has only " +
                        std::to_string(found_));
    }
  }

 private:
  const Container& container_;
  std::size_t found_ = 0;
};

struct LayerBytes {
  std::span<const std::byte> weight;
  std::span<const std::byte> bias;
};

template <class T>
std::vector<LayerBytes> find_layers(const Architecture& architecture, TensorReader& tensors) {
  std::vector<LayerBytes> result;
  const std::vector<std::string> modules = module_names(architecture);
  for (std::size_t i = 0; i < modules.size(); ++i) {
    const LayerSpec& layer = architecture.layers[i];
    LayerBytes& bytes = result.emplace_back();
    bytes.weight = tensors.find<T>(weight_name(modules[i]), {layer.outputs, layer.inputs});
    if (layer.bias) {
      bytes.bias = tensors.find<T>(bias_name(modules[i]), {layer.outputs});
    }
  }
  return result;
}

// ---- the network

/// \param bytes  already found to be of the architecture's shapes: so the file is at least as large as the network
template <class T>
Network<T> make_network(const Architecture& architecture, const std::vector<LayerBytes>& bytes) {
  std::vector<std::size_t> sizes = {architecture.layers.front().inputs};
  std::vector<Activation> activations;
  std::vector<bool> biases;
  std::vector<double> dropouts;
  for (const LayerSpec& layer : architecture.layers) {
    sizes.push_back(layer.outputs);
    activations.push_back(layer.activation);
    biases.push_back(layer.bias);
    dropouts.push_back(layer.dropout);
  }
  dropouts.pop_back();  // the output's, which is none
  Network<T> network({.sizes = std::move(sizes),
                      .activation = std::move(activations),
                      .bias = std::move(biases),
                      .dropout = std::move(dropouts),
                      .init = Initializer{InitializerKind::zeros},
                      .seed = architecture.dropout_seed});
  NetworkAccess::impl(network).init = architecture.init;
  network.set_dropout_state({architecture.dropout_seed, architecture.dropout_pass});
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const LayerSpec& layer = architecture.layers[i];
    network.layer(i).set_trainable(layer.trainable);
    network.layer(i).set_lr_scale(layer.lr_scale);
    const std::span<T> own = network.parameters().subspan(layer.offset, layer.num_parameters());
    load_weights(bytes[i].weight, layer.inputs, layer.outputs, own.first(layer.num_weights()));
    if (layer.bias) {
      load_elements(bytes[i].bias, own.last(layer.outputs));
    }
  }
  return network;
}

template <class T>
std::optional<Optimizer> make_optimizer(const Container& container, const Architecture& architecture,
                                        TensorReader& tensors) {
  const std::string* text = find(container.metadata(), key::kOptimizer);
  if (text == nullptr) {
    return std::nullopt;
  }
  StoredOptimizer stored = stateful_optimizer_from_json<T>(
      parse_text(*text, key::kOptimizer, container.tensors().size()), architecture.layers.size());
  auto& slots = OptimizerRef(stored.optimizer).state().template arrays<T>();
  for (std::size_t i = 0; i < stored.num_slots; ++i) {
    const auto bytes = tensors.find<T>(slot_name(i), {architecture.num_parameters()});
    load_elements(bytes, std::span<T>(slots.emplace_back(architecture.num_parameters())));
  }
  return std::move(stored.optimizer);
}

std::optional<Schedule> make_schedule(const Container& container) {
  const std::string* text = find(container.metadata(), key::kSchedule);
  if (text == nullptr) {
    return std::nullopt;
  }
  return schedule_from_json(parse_text(*text, key::kSchedule, container.tensors().size()));
}

std::map<std::string, std::string> user_metadata(Metadata& metadata) {
  constexpr std::string_view kPrefix = key::kUserPrefix;
  std::map<std::string, std::string> result;
  for (auto& [name, text] : metadata) {
    if (name.starts_with(kPrefix)) {
      result.emplace(name.substr(kPrefix.size()), std::move(text));
    }
  }
  return result;
}

// ---- a whole file

/// A file of which all but the tensors' shapes and the training's state has been checked.
struct Opened {
  Container container;
  Architecture architecture;
};

Opened open_bytes(std::span<const std::byte> bytes) {
  Container container = Container::parse(bytes);
  check_format(container.metadata());
  const std::string* network = find(container.metadata(), key::kNetwork);
  if (network == nullptr) {
    throw FormatError("the metadata lack the network's description");
  }
  Architecture architecture = architecture_from_json(parse_text(*network, key::kNetwork, container.tensors().size()));
  return {std::move(container), std::move(architecture)};
}

template <class T>
Checkpoint<T> make_checkpoint(Opened file) {
  if (file.architecture.type != kTypeName<T>) {
    throw FormatError("the file holds a " + file.architecture.type + " network; " + kTypeName<T> + " was asked for");
  }
  TensorReader tensors(file.container);
  const std::vector<LayerBytes> layers = find_layers<T>(file.architecture, tensors);
  std::optional<Optimizer> optimizer = make_optimizer<T>(file.container, file.architecture, tensors);
  tensors.finish();
  std::optional<Schedule> schedule = make_schedule(file.container);
  Metadata& metadata = file.container.metadata();
  return {.network = make_network<T>(file.architecture, layers),
          .optimizer = std::move(optimizer),
          .schedule = std::move(schedule),
          .epochs = number_or_zero<std::size_t>(metadata, key::kEpochs),
          .steps = number_or_zero<std::int64_t>(metadata, key::kSteps),
          .metadata = user_metadata(metadata)};
}

AnyCheckpoint make_any_checkpoint(Opened file) {
  if (file.architecture.type == kTypeName<float>) {
    return make_checkpoint<float>(std::move(file));
  }
  return make_checkpoint<double>(std::move(file));
}

std::vector<std::byte> read_file(const std::filesystem::path& path) {
  constexpr std::size_t kStart = 8;
  InputFile file(path);
  std::byte start[kStart];
  const std::size_t had = file.read(start);
  Container::check_start({start, had}, file.size());  // before a large file of another kind is read into memory
  if (!std::in_range<std::size_t>(file.size())) {
    throw FormatError(std::to_string(file.size()) + " bytes are more than this machine can address");
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(file.size()));
  std::copy(start, start + had, bytes.begin());
  bytes.resize(had + file.read(std::span(bytes).subspan(had)));  // shorter, should the file have shrunk meanwhile
  return bytes;
}

/// make(opened file), with the path in front of what is wrong with the file.
template <class F>
auto load_file(const std::filesystem::path& path, F&& make) {
  try {
    const std::vector<std::byte> bytes = read_file(path);
    return make(open_bytes(bytes));
  } catch (const FormatError& error) {
    throw FormatError(path.string() + ": " + error.what());
  }
}

}  // namespace

AnyCheckpoint from_bytes(std::span<const std::byte> bytes) { return make_any_checkpoint(open_bytes(bytes)); }

AnyCheckpoint load_any_checkpoint(const std::filesystem::path& path) { return load_file(path, make_any_checkpoint); }

template <class T>
Checkpoint<T> load_checkpoint(const std::filesystem::path& path) {
  return load_file(path, make_checkpoint<T>);
}

template <class T>
Network<T> Network<T>::load(const std::filesystem::path& path) {
  return load_checkpoint<T>(path).network;
}

#define BACKPASS_INSTANTIATE(T)                                                         \
  template BACKPASS_EXPORT Checkpoint<T> load_checkpoint(const std::filesystem::path&); \
  template BACKPASS_EXPORT Network<T> Network<T>::load(const std::filesystem::path&);
BACKPASS_INSTANTIATE(float)
BACKPASS_INSTANTIATE(double)

}  // namespace backpass

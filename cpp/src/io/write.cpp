/// Saving: writes a network and the state of its training as one safetensors container.
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <backpass/serialize.hpp>

#include "io/architecture.hpp"
#include "io/container.hpp"
#include "io/elements.hpp"
#include "io/file.hpp"
#include "io/metadata.hpp"
#include "io/optimizer_state.hpp"
#include "io/settings_json.hpp"
#include "io/training_memory.hpp"
#include "io/write_network.hpp"

namespace backpass {
namespace {

using namespace io;  // NOLINT(google-build-using-namespace): implements public functions with io

/// The metadata, which is everything except the tensors. \throws std::invalid_argument if something cannot be saved
template <class T>
Metadata describe_all(const Network<T>& network, const Architecture& architecture, const SaveOptions& options) {
  if (options.steps < 0) {
    throw std::invalid_argument("cannot save " + std::to_string(options.steps) + " steps");
  }
  Metadata metadata = library_metadata(options.metadata);
  metadata[key::kNetwork] = architecture_to_json(architecture);
  if (options.optimizer) {
    metadata[key::kOptimizer] =
        stateful_optimizer_to_json<T>(*options.optimizer, network.num_parameters(), network.num_layers());
  }
  if (options.schedule != nullptr) {
    metadata[key::kSchedule] = schedule_to_json(*options.schedule);
  }
  if (options.memory != nullptr) {
    metadata[key::kMemory] = memory_to_json(*options.memory);
    if (const auto& schedule = options.memory->dropout_schedule) {
      metadata[key::kDropoutSchedule] = schedule_to_json(*schedule);
    }
    if (const auto& schedule = options.memory->weight_decay_schedule) {
      metadata[key::kWeightDecaySchedule] = schedule_to_json(*schedule);
    }
  }
  const TrainingPosition* const position = options.memory == nullptr ? nullptr : &options.memory->position;
  const std::size_t epochs = position == nullptr ? options.epochs : position->epochs;
  const std::size_t steps = position == nullptr ? static_cast<std::size_t>(options.steps) : position->steps;
  if (epochs != 0) {
    metadata[key::kEpochs] = std::to_string(epochs);
  }
  if (steps != 0) {
    metadata[key::kSteps] = std::to_string(steps);
  }
  return metadata;
}

/// The parameters of early stopping's best epoch, or empty.
/// \throws std::invalid_argument if they belong to another network
template <class T>
std::span<const T> best_parameters(const TrainingMemory* memory, const Network<T>& network) {
  if (memory == nullptr) {
    return {};
  }
  const std::vector<T>& best = memory->parameters<T>();
  if (memory->parameters_f32.size() + memory->parameters_f64.size() != best.size() ||
      (!best.empty() && best.size() != network.num_parameters())) {
    throw std::invalid_argument("cannot save: early stopping's best parameters belong to another network");
  }
  return best;
}

/// The content of a file to write. It has been checked completely.
template <class T>
struct Plan {
  Architecture architecture;
  std::span<const std::vector<T>> slots;
  std::span<const T> best;  ///< parameters of the best epoch, or empty
  const History* history;   ///< or null
  ContainerStart start;
};

template <class T>
Plan<T> make_plan(const Network<T>& network, const SaveOptions& options) {
  Plan<T> plan{describe(network),
               {},
               best_parameters(options.memory, network),
               options.memory == nullptr ? nullptr : &options.memory->history,
               {}};
  if (options.optimizer) {
    plan.slots = options.optimizer->state().template arrays<T>();
  }
  std::vector<TensorEntry> entries;
  add_entries<T>(plan.architecture, "", entries);
  const Metadata metadata = describe_all(network, plan.architecture, options);
  for (std::size_t i = 0; i < plan.slots.size(); ++i) {
    entries.push_back({slot_name(i), kElementType<T>, {plan.slots[i].size()}});
  }
  if (!plan.best.empty()) {
    entries.push_back({kBestParameters, kElementType<T>, {plan.best.size()}});
  }
  if (plan.history != nullptr) {
    entries.push_back({kHistory, kElementType<double>, {plan.history->series.size(), options.memory->position.epochs}});
  }
  plan.start = start_container(metadata, entries);
  return plan;
}

template <class T>
void write(const Plan<T>& plan, std::span<const T> parameters, Sink& sink) {
  sink.expect(plan.start.file_size);
  sink.write(std::as_bytes(std::span(plan.start.bytes)));
  write_layers(plan.architecture, parameters, sink);
  Elements<T> elements;
  for (const std::vector<T>& slot : plan.slots) {
    elements.write(slot, sink);
  }
  if (!plan.best.empty()) {
    elements.write(plan.best, sink);
  }
  if (plan.history != nullptr) {
    Elements<double> numbers;
    for (const auto& [name, values] : plan.history->series) {
      numbers.write(values, sink);
    }
  }
}

template <class T>
void write_file(const std::filesystem::path& path, const Network<T>& network, const SaveOptions& options) {
  const Plan<T> plan = make_plan(network, options);  // first: if something cannot be saved, no file is created
  replace_file(path, [&](Sink& sink) { write(plan, network.parameters(), sink); });
}

}  // namespace

template <class T>
std::vector<std::byte> to_bytes(const Network<T>& network, const SaveOptions& options) {
  MemorySink sink;
  write(make_plan(network, options), network.parameters(), sink);
  return std::move(sink).take();
}

template <class T>
void save(const std::filesystem::path& path, const Network<T>& network, const SaveOptions& options) {
  write_file(path, network, options);
}

template <class T>
void Network<T>::save(const std::filesystem::path& path) const {
  backpass::save(path, *this);
}

template <class T>
void Network<T>::save(const std::filesystem::path& path, const SaveOptions& options) const {
  backpass::save(path, *this, options);
}

void replace_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  io::replace_file(path, [&](io::Sink& sink) { sink.write(bytes); });
}

#define BACKPASS_INSTANTIATE(T)                                                                            \
  template BACKPASS_EXPORT std::vector<std::byte> to_bytes(const Network<T>&, const SaveOptions&);         \
  template BACKPASS_EXPORT void save(const std::filesystem::path&, const Network<T>&, const SaveOptions&); \
  template BACKPASS_EXPORT void Network<T>::save(const std::filesystem::path&) const;                      \
  template BACKPASS_EXPORT void Network<T>::save(const std::filesystem::path&, const SaveOptions&) const;
BACKPASS_INSTANTIATE(float)
BACKPASS_INSTANTIATE(double)
#undef BACKPASS_INSTANTIATE

}  // namespace backpass

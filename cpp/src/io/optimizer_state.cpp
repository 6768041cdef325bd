#include "io/optimizer_state.hpp"

#include <stdexcept>
#include <utility>
#include <variant>
#include <vector>

#include <backpass/error.hpp>

#include "io/architecture.hpp"
#include "io/fields.hpp"
#include "io/json.hpp"
#include "io/metadata.hpp"
#include "io/poll.hpp"
#include "io/settings_json.hpp"
#include "optim/update_plan.hpp"

namespace backpass::io {
namespace {

/// The key of OptimizerState::Group::memory in a file. Every optimizer's state has the key; it is NAdam's name, because
/// only NAdam uses the memory.
constexpr const char* kGroupMemory = NAdam::group_memory;

/// Checks that a step would accept the optimizer's settings and state.
/// \param num_parameters  length of each slot
/// \throws std::invalid_argument, ShapeError
template <class T>
void check_optimizer(OptimizerRef optimizer, std::size_t num_parameters) {
  // The groups of a state do not contain their sizes. Empty groups fit every network.
  const std::vector<ParameterGroup> groups(optimizer.state().groups.size());
  optim::UpdatePlan<T>::check(optimizer, num_parameters, groups);
}

}  // namespace

template <class T>
std::string stateful_optimizer_to_json(OptimizerRef optimizer, std::size_t num_parameters, std::size_t num_layers) {
  OptimizerState& state = optimizer.state();
  if (state.groups.size() > num_layers) {
    throw ShapeError(std::string(optimizer.name()) + ": its state holds " + std::to_string(state.groups.size()) +
                     " groups of parameters, but the network has " + std::to_string(num_layers) + " layers");
  }
  check_optimizer<T>(optimizer, num_parameters);
  ListWriter steps;
  ListWriter memories;
  Poll poll;
  for (const OptimizerState::Group& group : state.groups) {
    steps.add(std::to_string(group.step));
    memories.add(json_number(group.memory));
    poll.done(sizeof group);
  }
  ObjectWriter state_object;
  state_object.set("slots", std::to_string(state.arrays<T>().size()));
  state_object.set("step", std::move(steps).text());
  state_object.set(kGroupMemory, std::move(memories).text());
  ObjectWriter object = optimizer_to_json(optimizer);
  object.set("state", state_object.text());
  return object.text();
}

template <class T>
StoredOptimizer stateful_optimizer_from_json(std::string_view text, std::size_t num_layers) {
  const std::string what = std::string("the metadata's ") + key::kOptimizer;
  std::vector<std::int64_t> steps;
  std::vector<double> memories;
  const auto require_layers = [&](std::size_t num_groups) {
    if (num_groups > num_layers) {
      throw FormatError(what + " has a state for more than " + std::to_string(num_layers) + " layers");
    }
  };
  const ListSink sinks[] = {{"state", "step",
                             [&](const JsonValue& element) {
                               require_layers(steps.size() + 1);
                               steps.push_back(to_integer(element, "a step count of the optimizer"));
                             }},
                            {"state", kGroupMemory, [&](const JsonValue& element) {
                               require_layers(memories.size() + 1);
                               memories.push_back(to_number(element, "a product of momenta of the optimizer"));
                             }}};
  const JsonValue value = parse_json(text, what, sinks);
  ObjectReader reader(value, "the optimizer");
  StoredOptimizer result{optimizer_from_json(reader)};
  ObjectReader state(reader.member("state"), "the optimizer's state");
  const std::uint64_t num_slots = state.count("slots");
  (void)state.list("step");
  (void)state.list(kGroupMemory);
  if (steps.size() != memories.size()) {
    state.fail(std::to_string(steps.size()) + " step counts and " + std::to_string(memories.size()) + " products for " +
               std::to_string(num_layers) + " layers");
  }
  if (steps.empty() && num_slots != 0) {
    state.fail("it has slots, but the optimizer has not taken a step");
  }
  constexpr std::uint64_t kMostSlots =
      16;  // far more than any optimizer has; check_optimizer() checks the exact number
  if (num_slots > kMostSlots) {
    state.fail(std::to_string(num_slots) + " slots are too many");
  }
  state.finish();
  reader.finish();

  std::vector<OptimizerState::Group>& groups = OptimizerRef(result.optimizer).state().groups;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    groups.push_back({steps[i], memories[i]});
  }
  result.num_slots = static_cast<std::size_t>(num_slots);
  try {
    Optimizer with_empty_slots = result.optimizer;
    OptimizerRef(with_empty_slots).state().arrays<T>().resize(result.num_slots);
    check_optimizer<T>(with_empty_slots, 0);
  } catch (const std::invalid_argument& error) {
    throw FormatError(std::string("the optimizer: ") + error.what());
  }
  return result;
}

template std::string stateful_optimizer_to_json<float>(OptimizerRef, std::size_t, std::size_t);
template std::string stateful_optimizer_to_json<double>(OptimizerRef, std::size_t, std::size_t);
template StoredOptimizer stateful_optimizer_from_json<float>(std::string_view, std::size_t);
template StoredOptimizer stateful_optimizer_from_json<double>(std::string_view, std::size_t);

}  // namespace backpass::io

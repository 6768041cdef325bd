#include "io/training_memory.hpp"

#include <cmath>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "io/json_writer.hpp"

namespace backpass::io {
namespace {

std::string best_to_json(std::optional<double> best) {
  if (best && std::isnan(*best)) {
    throw std::invalid_argument("cannot save a best value that is NaN");
  }
  return best ? json_number(*best) : "null";
}

std::optional<double> best_from_json(ObjectReader& reader, const char* key) {
  if (reader.member(key).kind == JsonValue::Kind::null) {
    return std::nullopt;
  }
  const double best = reader.number(key);
  if (std::isnan(best)) {
    reader.fail(std::string(key) + " is NaN");
  }
  return best;
}

/// The most series of a history: half of the values that one JSON text may have.
constexpr std::size_t kMaxSeries = kMaxJsonValues / 2;

std::string names_to_json(const TrainingMemory& memory) {
  if (memory.history.series.size() > kMaxSeries) {
    throw std::invalid_argument("cannot save a history of more than " + std::to_string(kMaxSeries) + " series");
  }
  ListWriter names;
  for (const auto& [name, values] : memory.history.series) {
    if (values.size() != memory.position.epochs) {
      throw std::invalid_argument("cannot save: the series \"" + name + "\" has " + std::to_string(values.size()) +
                                  " numbers after " + std::to_string(memory.position.epochs) + " epochs");
    }
    names.add(json_string(name, "the name of a series"));
  }
  return std::move(names).text();
}

void names_from_json(ObjectReader& reader, History& history) {
  const std::vector<JsonValue>& names = reader.list("series").items;
  if (names.size() > kMaxSeries) {
    reader.fail("the history has " + std::to_string(names.size()) + " series, but at most " +
                std::to_string(kMaxSeries) + " are allowed");
  }
  for (const JsonValue& name : names) {
    if (name.kind != JsonValue::Kind::text) {
      reader.fail("the name of a series is not a text");
    }
    history.series.emplace_back(name.text, std::vector<double>());
  }
}

}  // namespace

std::string memory_to_json(const TrainingMemory& memory) {
  const bool has_parameters = !memory.parameters_f32.empty() || !memory.parameters_f64.empty();
  ObjectWriter object;
  object.set("monitor", json_string(memory.monitor, "the monitor of early stopping"));
  object.set("best", best_to_json(memory.best));
  object.set("best_epoch", std::to_string(memory.best_epoch));
  object.set("waited", std::to_string(memory.waited));
  object.set("best_saved", best_to_json(memory.best_saved));
  object.set("best_saved_monitor", json_string(memory.best_saved_monitor, "the monitor of a Checkpoint"));
  object.set("dropout_seed", std::to_string(memory.dropout_seed));
  object.set("dropout_pass", std::to_string(memory.dropout_pass));
  object.set("epoch_steps", std::to_string(memory.position.epoch_steps));
  object.set("epoch_loss_sum", json_number(memory.position.loss_sum));
  object.set("epoch_weight_sum", json_number(memory.position.weight_sum));
  object.set("epoch_lr", json_number(memory.position.lr));
  object.set("seed", memory.seed ? std::to_string(*memory.seed) : "null");
  if (memory.shards != 1) {
    object.set("shards", std::to_string(memory.shards));
  }
  if (memory.window_rows != 0) {
    object.set("window_rows", std::to_string(memory.window_rows));
  }
  object.set("base_lr", json_number(memory.base_lr));
  if (memory.weight_decay_schedule) {
    object.set("base_weight_decay", json_number(memory.base_weight_decay));
  }
  object.set("series", names_to_json(memory));
  object.set("parameters", has_parameters ? "true" : "false");
  return object.text();
}

StoredMemory memory_from_json(const JsonValue& value) {
  ObjectReader reader(value, "the training's memory");
  StoredMemory stored;
  TrainingMemory& memory = stored.memory;
  memory.monitor = reader.text("monitor");
  memory.best = best_from_json(reader, "best");
  memory.best_epoch = reader.count("best_epoch");
  memory.waited = reader.count("waited");
  memory.best_saved = best_from_json(reader, "best_saved");
  memory.best_saved_monitor = reader.text("best_saved_monitor");
  memory.dropout_seed = reader.count("dropout_seed");
  memory.dropout_pass = reader.count("dropout_pass");
  memory.position.epoch_steps = reader.count("epoch_steps");
  memory.position.loss_sum = reader.finite_number("epoch_loss_sum");
  memory.position.weight_sum = reader.finite_number("epoch_weight_sum");
  memory.position.lr = reader.finite_number("epoch_lr");
  if (reader.member("seed").kind != JsonValue::Kind::null) {
    memory.seed = reader.count("seed");
  }
  if (reader.has("shards")) {
    memory.shards = reader.count("shards");
  }
  if (reader.has("window_rows")) {
    memory.window_rows = reader.count("window_rows");
  }
  memory.base_lr = reader.finite_number("base_lr");
  if (reader.has("base_weight_decay")) {
    memory.base_weight_decay = reader.finite_number("base_weight_decay");
  }
  names_from_json(reader, memory.history);
  stored.has_parameters = reader.boolean("parameters");
  reader.finish();
  return stored;
}

}  // namespace backpass::io

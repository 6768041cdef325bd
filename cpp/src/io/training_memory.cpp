#include "io/training_memory.hpp"

#include <cmath>
#include <optional>
#include <stdexcept>

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
  object.set("epoch_steps", std::to_string(memory.position.steps));
  object.set("epoch_loss_sum", json_number(memory.position.loss_sum));
  object.set("epoch_weight_sum", json_number(memory.position.weight_sum));
  object.set("epoch_lr", json_number(memory.position.lr));
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
  memory.position.steps = reader.count("epoch_steps");
  memory.position.loss_sum = reader.finite_number("epoch_loss_sum");
  memory.position.weight_sum = reader.finite_number("epoch_weight_sum");
  memory.position.lr = reader.finite_number("epoch_lr");
  stored.has_parameters = reader.boolean("parameters");
  reader.finish();
  return stored;
}

}  // namespace backpass::io

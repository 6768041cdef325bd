#include "train/resume.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/require.hpp"
#include "base/text.hpp"
#include "io/json_writer.hpp"
#include "io/settings_json.hpp"
#include "io/text.hpp"
#include "pass/network_access.hpp"
#include "train/snapshot.hpp"

namespace backpass::train {
namespace {

/// "4 -> 24, tanh, no bias, dropout 0.1": what two networks with the same parameters can differ in.
std::string layer_text(const LayerSpec& layer) {
  std::string text = std::to_string(layer.inputs) + " -> " + std::to_string(layer.outputs) + ", ";
  text += layer.activation.name();
  if (layer.activation.has_parameter()) {
    text += "(" + number_text(layer.activation.parameter()) + ")";
  }
  return text + (layer.bias ? ", bias" : ", no bias") + ", dropout " + number_text(layer.dropout);
}

/// The settings, with the learning rate `lr` and, unless empty, the weight decay.
std::string settings_text(OptimizerRef optimizer, double lr, std::optional<double> weight_decay) {
  io::ObjectWriter object = io::optimizer_to_json(optimizer);
  object.set("lr", io::json_number(lr));
  if (weight_decay) {
    object.set("weight_decay", io::json_number(*weight_decay));
  }
  return object.text();
}
/// The settings, without the memory.
std::string settings_text(const Schedule* schedule) {
  if (schedule == nullptr) {
    return "none";
  }
  Schedule copy = copy_schedule(*schedule);
  reset(copy);
  return io::schedule_to_json(copy);
}

std::string names_text(const History& history) {
  return list_text(history.series, [](const auto& series) { return series.first; });
}

}  // namespace

template <class T>
std::vector<std::string> settings_of(const ResumeTarget<T>& target, const Loss& loss) {
  const FitOptions<T>& options = target.options;
  std::vector<std::string> items{sizeof(T) == sizeof(float) ? "float32" : "float64"};
  items.reserve(target.network.num_layers() + 40);
  const auto add = [&]<class S>(const S& settings) {
    for_each_field<S>([&]<class V>(const Field<S, V>& field) {
      if constexpr (std::is_arithmetic_v<V>) {
        items.push_back(std::string(field.name) + " " + number_text(static_cast<double>(settings.*field.member)));
      } else {
        items.push_back(std::string(field.name) + " " + settings.*field.member);
      }
    });
  };
  for (std::size_t i = 0; i < target.network.num_layers(); ++i) {
    const LayerSpec layer = target.network.layer(i).spec();
    items.push_back(layer_text(layer) + (layer.trainable ? "" : ", frozen") + ", lr_scale " +
                    number_text(layer.lr_scale) + ", bias_lr_scale " + number_text(layer.bias_lr_scale));
  }
  items.push_back("loss " + std::string(loss_name(loss)));
  std::visit(
      [&]<class L>(const L& settings) {
        if constexpr (!std::is_same_v<L, CustomLoss>) {
          add(settings);
        }
      },
      loss);
  items.push_back("optimizer " + settings_text(target.optimizer, target.optimizer.lr(), std::nullopt));
  for (const Schedule* schedule : {static_cast<const Schedule*>(target.schedule), pointer_to(options.dropout_schedule),
                                   pointer_to(options.weight_decay_schedule)}) {
    items.push_back("schedule " + settings_text(schedule));
  }
  add(options);
  add(options.gradient);
  items.push_back("shards " + std::to_string(target.shards));
  items.push_back(options.early_stopping ? "early_stopping" : "no early_stopping");
  if (options.early_stopping) {
    add(*options.early_stopping);
  }
  items.push_back(options.validation_data ? "validation_data" : "no validation_data");
  items.push_back(options.resume_from.empty() ? "no resume_from" : "resume_from");
  for (const Metric metric : options.metrics) {
    items.push_back("metric " + std::string(metric_name(metric)));
  }
  for (const CustomMetric<T>& metric : options.custom_metrics) {
    items.push_back("metric " + metric.name);
  }
  return items;
}

template <class T>
void check_training(SavedTraining<T>& saved, const ResumeTarget<T>& target) {
  const TrainingMemory& memory = saved.memory;
  const std::string where = "resume_from: " + io::path_text(target.options.resume_from);
  const auto require_same = [&](const std::string& what, const std::string& file, const std::string& here) {
    require(file == here, where + ": " + what + " differs. In the file: " + file + ". Here: " + here);
  };
  require(memory.seed.has_value() && saved.optimizer.has_value(),
          where + " contains no training. fit(checkpoint=...) saves files with a training");
  const std::size_t layers = target.network.num_layers();
  require_same("the number of layers", std::to_string(saved.network.num_layers()), std::to_string(layers));
  for (std::size_t i = 0; i < layers; ++i) {
    require_same("layer " + std::to_string(i + 1) + " of the network", layer_text(saved.network.layer(i).spec()),
                 layer_text(target.network.layer(i).spec()));
  }
  // A schedule may have changed the learning rate and the weight decay.
  const bool decays = memory.weight_decay_schedule && OptimizerRef(*saved.optimizer).weight_decay() != nullptr;
  require_same(
      "the optimizer",
      settings_text(*saved.optimizer, memory.base_lr, decays ? std::optional(memory.base_weight_decay) : std::nullopt),
      settings_text(target.optimizer, target.optimizer.lr(), std::nullopt));
  require_same("the schedule", settings_text(pointer_to(saved.schedule)), settings_text(target.schedule));
  require_same("dropout_schedule", settings_text(pointer_to(memory.dropout_schedule)),
               settings_text(pointer_to(target.options.dropout_schedule)));
  require_same("weight_decay_schedule", settings_text(pointer_to(memory.weight_decay_schedule)),
               settings_text(pointer_to(target.options.weight_decay_schedule)));
  if (target.options.seed) {
    require_same("the seed", std::to_string(*memory.seed), std::to_string(*target.options.seed));
  }
  require_same("shards", std::to_string(memory.shards), std::to_string(target.shards));
  require_same("the number of rows per window of a source (0: all)", std::to_string(memory.window_rows),
               std::to_string(target.window_rows));
  require_same("the list of series", names_text(memory.history), names_text(target.history));
  const TrainingPosition& at = memory.position;
  require(at.epoch_steps <= target.steps_per_epoch && at.steps >= at.epoch_steps &&
              at.steps - at.epoch_steps == at.epochs * target.steps_per_epoch,
          where + ": the number of steps per epoch differs. In the file: " + std::to_string(at.steps) + " steps in " +
              std::to_string(at.epochs) + " epochs and " + std::to_string(at.epoch_steps) +
              " steps of the next epoch. Here: " + std::to_string(target.steps_per_epoch) +
              " steps per epoch. Use the same rows and batch_size");
  require(at.epochs <= target.options.epochs,
          where + ": " + std::to_string(at.epochs) + " epochs are finished, but epochs is " +
              std::to_string(target.options.epochs) + ". It is the number of all epochs of the training");
}

template <class T>
void restore(SavedTraining<T>& saved, const ResumeTarget<T>& target) noexcept {
  const auto parameters = std::as_const(saved.network).parameters();
  std::copy(parameters.begin(), parameters.end(), target.network.parameters().begin());
  target.network.set_dropout_state(saved.network.dropout_state());
  for (std::size_t i = 0; i < target.network.num_layers(); ++i) {
    target.network.layer(i).set_trainable(saved.network.layer(i).spec().trainable);
    target.network.layer(i).set_lr_scale(saved.network.layer(i).spec().lr_scale);
    target.network.layer(i).set_bias_lr_scale(saved.network.layer(i).spec().bias_lr_scale);
  }
  target.optimizer.visit([&]<class O>(O& optimizer) {
    optimizer = std::move(std::get<O>(*saved.optimizer));
    NetworkAccess::set_owner(optimizer.state, target.network);
  });
  if (target.schedule != nullptr) {
    if (schedules::ReduceOnPlateau* plateau = plateau_of(*target.schedule); plateau != nullptr) {
      *plateau = *plateau_of(*saved.schedule);
    }
  }
}

#define BACKPASS_INSTANTIATE(T)                                                       \
  template std::vector<std::string> settings_of(const ResumeTarget<T>&, const Loss&); \
  template void check_training(SavedTraining<T>&, const ResumeTarget<T>&);            \
  template void restore(SavedTraining<T>&, const ResumeTarget<T>&) noexcept;
BACKPASS_INSTANTIATE(float)
BACKPASS_INSTANTIATE(double)
#undef BACKPASS_INSTANTIATE

}  // namespace backpass::train

/// Network._fit: the native epochs under Network.fit.
#include <backpass/trainer.hpp>

#include <limits>

#include "any_network.hpp"
#include "arrays.hpp"
#include "loss_rules.hpp"
#include "objects.hpp"

namespace backpass::python {
namespace {

using StoppingTuple = std::tuple<std::string, std::size_t, double, bool>;

py::dict last_values(const History& history) {
  py::dict logs;
  for (const auto& [name, values] : history.series) {
    logs[py::str(name)] = values.back();
  }
  return logs;
}

/// In the order of the series, which a std::map would lose.
AnyTuple to_tuple(const History& history) {
  py::dict series;
  for (const auto& [name, values] : history.series) {
    series[py::str(name)] = values;
  }
  return AnyTuple(py::make_tuple(series, history.epochs, history.best_epoch, history.stopped_early));
}

template <class T>
void set_hooks(FitOptions<T>& options, Access& access, Access& rule_access, const py::object& on_epoch_end,
               const py::object& on_progress) {
  options.on_epoch_end = [&](const EpochReport& report) {
    const GilHold gil;
    return between_steps(access, rule_access, [&] {
      return call_python(on_epoch_end, py::make_tuple(report.epoch, last_values(report.history))).cast<bool>();
    });
  };
  options.on_progress = [&](const ProgressReport& report) {
    const GilHold gil;
    return between_steps(access, rule_access, [&] {
      // Ctrl-C: the handler's KeyboardInterrupt leaves fit between two steps.
      check_signals();
      call_python(on_progress, py::make_tuple(report.epoch, report.rows_done, report.loss));
      return false;
    });
  };
}

AnyTuple fit(AnyNetwork& self, const ArrayLike& x, const ArrayLike& y, const LossLike& loss,
             const OptimizerLike& optimizer, std::size_t epochs, std::size_t batch_size, bool shuffle,
             const std::optional<std::pair<ArrayLike, ArrayLike>>& validation_data, double validation_split,
             const OptionalArrayLike& sample_weight, const OptionalSchedule& schedule,
             const std::optional<StoppingTuple>& early_stopping, double clip_norm, double clip_value, double l1,
             double l2, const std::vector<std::string>& metrics, const OptionalInt& seed, std::size_t first_epoch,
             std::int64_t first_step, const py::object& on_begin, const py::object& on_epoch_end,
             const py::object& on_progress) {
  const Loss cost = to_loss(loss);
  OptimizerObject& rule = to_optimizer(optimizer);
  return self.visit([&]<class T>(Network<T>& net) {
    const std::size_t inputs = net.sizes().front();
    const std::size_t outputs = net.sizes().back();
    const auto input = to_matrix<T>(x, inputs, "x");
    const auto targets = to_targets<T>(y, input.view.rows(), outputs, input.single, label_rule(cost));
    const auto weights = to_weights<T>(sample_weight, input.view.rows(), input.single);

    FitOptions<T> options;
    options.epochs = epochs;
    options.batch_size = batch_size;
    options.shuffle = shuffle;
    options.validation_split = validation_split;
    options.sample_weight = weights.view;
    options.gradient = {.l1 = l1, .l2 = l2, .clip_norm = clip_norm, .clip_value = clip_value};
    options.seed = seed.is_none() ? random_seed() : to_count(seed, "seed");
    options.first_epoch = first_epoch;
    options.first_step = first_step;
    MatrixInput<T> validation_input;
    std::optional<TargetsInput<T>> validation_targets;
    if (validation_data) {
      validation_input = to_matrix<T>(validation_data->first, inputs, "validation_data[0]");
      validation_targets = to_targets<T>(validation_data->second, validation_input.view.rows(), outputs,
                                         validation_input.single, label_rule(cost), "validation_data[1]");
      options.validation_data.emplace(validation_input.view, validation_targets->view);
    }
    if (ScheduleObject* object = to_optional_schedule(schedule)) {
      options.schedule = object->value.get();
    }
    if (early_stopping) {
      std::apply([&](const auto&... settings) { options.early_stopping = EarlyStopping{settings...}; },
                 *early_stopping);
    }
    for (const std::string& name : metrics) {
      options.metrics.push_back(metric_from_name(name));
    }

    on_begin(input.view.rows() - validation_rows(input.view.rows(), validation_split));
    Access access(self.gate, Use::fit);
    Access rule_access(rule.gate, Use::fit);
    set_hooks(options, access, rule_access, on_epoch_end, on_progress);
    return to_tuple(without_gil(std::numeric_limits<double>::infinity(),
                                [&] { return net.fit(input.view, targets.view, cost, rule.value, options); }));
  });
}

}  // namespace

void register_fit(NetworkClass& cls) {
  cls.def("_fit", &fit, py::arg("x"), py::arg("y"), py::kw_only(), py::arg("loss"), py::arg("optimizer"),
          py::arg("epochs"), py::arg("batch_size"), py::arg("shuffle"), py::arg("validation_data"),
          py::arg("validation_split"), py::arg("sample_weight"), py::arg("schedule"), py::arg("early_stopping"),
          py::arg("clip_norm"), py::arg("clip_value"), py::arg("l1"), py::arg("l2"), py::arg("metrics"),
          py::arg("seed"), py::arg("first_epoch"), py::arg("first_step"), py::arg("on_begin"), py::arg("on_epoch_end"),
          py::arg("on_progress"), R"(Network.fit's epochs.

Before them `on_begin` is called with the number of rows to train on.
Returns (series, epochs, best_epoch, stopped_early).)");
}

}  // namespace backpass::python

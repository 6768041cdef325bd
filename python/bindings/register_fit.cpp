/// Network._fit: the native training loop of Network.fit.
#include <backpass/trainer.hpp>

#include <limits>
#include <new>
#include <optional>

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

/// Keeps the order of the series; a std::map would sort them by name.
AnyTuple to_tuple(const History& history) {
  py::dict series;
  for (const auto& [name, values] : history.series) {
    series[py::str(name)] = values;
  }
  return AnyTuple(py::make_tuple(series, history.epochs, history.best_epoch, history.stopped_early));
}

template <class T>
void set_hooks(FitOptions<T>& options, Access& access, Access& optimizer_access, const py::object& on_epoch_end,
               const py::object& on_progress, std::optional<py::error_already_set>& out_of_memory) {
  // Throw std::bad_alloc for a MemoryError of Python, so that fit restores the last finished epoch. `out_of_memory`
  // keeps the MemoryError with its traceback.
  const auto guarded = [&](const auto& call) {
    const GilHold gil;
    try {
      return between_steps(access, optimizer_access, call);
    } catch (const py::error_already_set& error) {
      if (!error.matches(PyExc_MemoryError)) {
        throw;
      }
      out_of_memory.emplace(error);
      throw std::bad_alloc();
    }
  };
  options.on_epoch_end = [&, guarded](const EpochReport& report) {
    return guarded([&] {
      return call_python(on_epoch_end, py::make_tuple(report.epoch, last_values(report.history))).template cast<bool>();
    });
  };
  options.on_progress = [&, guarded](const ProgressReport& report) {
    return guarded([&] {
      // Ctrl-C: the KeyboardInterrupt of the signal handler ends fit between two steps.
      check_signals();
      return call_python(on_progress, py::make_tuple(report.epoch, report.rows_done, report.loss))
          .template cast<bool>();
    });
  };
}

AnyTuple fit(AnyNetwork& self, const ArrayLike& x, const ArrayLike& y, const LossLike& loss_like,
             const OptimizerLike& optimizer_like, std::size_t epochs, std::size_t batch_size, bool shuffle,
             const std::optional<std::pair<ArrayLike, ArrayLike>>& validation_data, double validation_split,
             const OptionalArrayLike& sample_weight, const OptionalSchedule& schedule,
             const std::optional<StoppingTuple>& early_stopping, double clip_norm, double clip_value, double l1,
             double l2, const std::vector<std::string>& metrics, const OptionalInt& seed, std::size_t first_epoch,
             std::int64_t first_step, TrainingMemory& memory, const py::object& on_begin,
             const py::object& on_epoch_end, const py::object& on_progress) {
  const Loss loss = to_loss(loss_like);
  OptimizerObject& optimizer = to_optimizer(optimizer_like);
  return self.visit([&]<class T>(Network<T>& net) {
    const std::size_t inputs = net.sizes().front();
    const std::size_t outputs = net.sizes().back();
    const auto input = to_matrix<T>(x, inputs, "x");
    const auto targets = to_targets<T>(y, input.view.rows(), outputs, input.single, label_rule(loss));
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
    options.memory = &memory;
    MatrixInput<T> validation_input;
    std::optional<TargetsInput<T>> validation_targets;
    if (validation_data) {
      validation_input = to_matrix<T>(validation_data->first, inputs, "validation_data[0]");
      validation_targets = to_targets<T>(validation_data->second, validation_input.view.rows(), outputs,
                                         validation_input.single, label_rule(loss), "validation_data[1]");
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
    Access optimizer_access(optimizer.gate, Use::fit);
    std::optional<py::error_already_set> out_of_memory;
    set_hooks(options, access, optimizer_access, on_epoch_end, on_progress, out_of_memory);
    try {
      return to_tuple(without_gil(std::numeric_limits<double>::infinity(),
                                  [&] { return net.fit(input.view, targets.view, loss, optimizer.value, options); }));
    } catch (const std::bad_alloc&) {
      if (out_of_memory) {
        throw *out_of_memory;
      }
      throw;
    }
  });
}

void register_memory(py::module_& m) {
  py::class_<TrainingMemory>(
      m, "TrainingMemory",
      R"(State of early stopping and of Checkpoint(save_best_only=True), and position in the epoch.

A checkpoint with an optimizer contains this state. `Network.fit` continues from it with ``resume_from``.)")
      .def(py::init<>())
      .def_readonly("monitor", &TrainingMemory::monitor, "str : name of the series that early stopping monitors.")
      .def_readonly("best", &TrainingMemory::best, "float or None : best value of `monitor` so far.")
      .def_readonly("best_epoch", &TrainingMemory::best_epoch, "int : zero-based epoch of `best`.")
      .def_readonly("waited", &TrainingMemory::waited, "int : number of epochs without improvement since `best_epoch`.")
      .def_property_readonly(
          "epoch_steps", [](const TrainingMemory& self) { return self.position.steps; },
          "int : number of steps made in the unfinished epoch; 0 between two epochs.")
      .def_property(
          "best_saved", [](const TrainingMemory& self) { return std::pair(self.best_saved_monitor, self.best_saved); },
          [](TrainingMemory& self, const std::pair<std::string, std::optional<double>>& value) {
            std::tie(self.best_saved_monitor, self.best_saved) = value;
          },
          "(str, float or None) : name of the series that a Checkpoint monitors, and its value at the best\nsave, "
          "negated if higher is better.")
      .def(py::pickle(
          [](const TrainingMemory& self) {
            return AnyTuple(py::make_tuple(self.monitor, self.best, self.best_epoch, self.waited, self.best_saved,
                                           self.best_saved_monitor, self.parameters_f32, self.parameters_f64,
                                           self.dropout_seed, self.dropout_pass, self.position.steps,
                                           self.position.loss_sum, self.position.weight_sum, self.position.lr));
          },
          [](const AnyTuple& state) {
            const auto t = py::reinterpret_borrow<py::tuple>(state);
            return TrainingMemory{
                t[0].cast<std::string>(),
                t[1].cast<std::optional<double>>(),
                t[2].cast<std::size_t>(),
                t[3].cast<std::size_t>(),
                t[4].cast<std::optional<double>>(),
                t[5].cast<std::string>(),
                t[6].cast<std::vector<float>>(),
                t[7].cast<std::vector<double>>(),
                t[8].cast<std::uint64_t>(),
                t[9].cast<std::uint64_t>(),
                {t[10].cast<std::size_t>(), t[11].cast<double>(), t[12].cast<double>(), t[13].cast<double>()}};
          }));
}

}  // namespace

void register_fit(py::module_& m, NetworkClass& cls) {
  register_memory(m);
  cls.def("_fit", &fit, py::arg("x"), py::arg("y"), py::kw_only(), py::arg("loss"), py::arg("optimizer"),
          py::arg("epochs"), py::arg("batch_size"), py::arg("shuffle"), py::arg("validation_data"),
          py::arg("validation_split"), py::arg("sample_weight"), py::arg("schedule"), py::arg("early_stopping"),
          py::arg("clip_norm"), py::arg("clip_value"), py::arg("l1"), py::arg("l2"), py::arg("metrics"),
          py::arg("seed"), py::arg("first_epoch"), py::arg("first_step"), py::arg("memory"), py::arg("on_begin"),
          py::arg("on_epoch_end"), py::arg("on_progress"), R"(Run the epochs of Network.fit.

Before the first epoch, call `on_begin` with the number of training rows.
Return (series, epochs, best_epoch, stopped_early).)");
}

}  // namespace backpass::python

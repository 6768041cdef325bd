/// Network._fit: the native training loop of Network.fit.
#include <backpass/trainer.hpp>

#include <limits>
#include <new>
#include <optional>

#include "any_network.hpp"
#include "arrays.hpp"
#include "custom.hpp"
#include "objects.hpp"

namespace backpass::python {
namespace {

py::dict last_values(const History& history) {
  py::dict logs;
  for (const auto& [name, values] : history.series) {
    logs[py::str(name)] = values.back();
  }
  return logs;
}

/// Keeps the order of the series; a std::map would sort them by name.
StringDict to_series(const History& history) {
  py::dict series;
  for (const auto& [name, values] : history.series) {
    series[py::str(name)] = values;
  }
  return StringDict(series);
}

/// The arguments of Python's History.
StringDict to_arguments(const History& history) {
  py::dict arguments;
  arguments["series"] = to_series(history);
  arguments["epochs"] = history.epochs;
  arguments["best_epoch"] = history.best_epoch;
  arguments["stopped_early"] = history.stopped_early;
  arguments["restored_best"] = history.restored_best;
  return StringDict(arguments);
}

/// Converts a value that Network.fit has checked.
template <class V>
V convert(py::handle value, const char* name) {
  try {
    return value.cast<V>();
  } catch (const py::cast_error&) {
    throw py::type_error(std::string(name) + " cannot be " + std::string(py::repr(value)));
  }
}
/// Sets the fields of S: value_of(name) gives the Python value of a field.
template <class S, class F>
void set_fields(S& settings, F value_of) {
  for_each_field<S>([&]<class V>(const Field<S, V>& field) {
    settings.*field.member = convert<V>(value_of(field.name), field.name);
  });
}
std::optional<EarlyStopping> to_early_stopping(const py::object& object) {
  if (object.is_none()) {
    return std::nullopt;
  }
  EarlyStopping settings;
  set_fields(settings, [&](const char* name) -> py::object { return object.attr(name); });
  return settings;
}

template <class T>
void set_hooks(FitOptions<T>& options, Access& access, Access& optimizer_access, const py::object& on_begin,
               const py::object& on_epoch_end, const py::object& on_progress,
               std::optional<py::error_already_set>& out_of_memory) {
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
  options.on_begin = [&, guarded](const BeginReport& report) {
    guarded([&] {
      call_python(on_begin, py::make_tuple(report.epoch, report.rows));
      return true;  // not the object: it would be dropped without the GIL
    });
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

/// \param settings  the other arguments of Network.fit, by name
StringDict fit(AnyNetwork& self, const ArrayLike& x, const ArrayLike& y, const LossLike& loss_like,
               const OptimizerLike& optimizer_like, const py::KWArgs<py::object>& settings) {
  const auto setting = [&](const char* name) -> py::object { return settings[name]; };
  const Loss loss = to_loss(loss_like);
  OptimizerObject& optimizer = to_optimizer(optimizer_like);
  return self.visit([&]<class T>(Network<T>& net) {
    const std::size_t inputs = net.sizes().front();
    const std::size_t outputs = net.sizes().back();
    const auto input = to_matrix<T>(x, inputs, "x");
    const auto targets = to_targets<T>(y, input.view.rows(), outputs, input.single, label_rule(loss));
    const auto weights = to_weights<T>(setting("sample_weight"), input.view.rows(), input.single);

    FitOptions<T> options;
    set_fields(options, setting);
    set_fields(options.gradient, setting);
    options.sample_weight = weights.view;
    if (const py::object path = setting("resume_from"); !path.is_none()) {
      options.resume_from = to_path(Path(path));
    }
    // A resumed training uses the seed of the file. An int must be equal to this seed.
    if (const py::object seed = setting("seed"); options.resume_from.empty() || PyLong_Check(seed.ptr()) != 0) {
      options.seed = to_seed(seed);
    }
    options.early_stopping = to_early_stopping(setting("early_stopping"));
    options.memory = setting("memory").template cast<TrainingMemory*>();
    MatrixInput<T> validation_input;
    std::optional<TargetsInput<T>> validation_targets;
    if (const py::object data = setting("validation_data"); !data.is_none()) {
      const auto [vx, vy] = data.cast<std::pair<ArrayLike, ArrayLike>>();
      validation_input = to_matrix<T>(vx, inputs, "validation_data[0]");
      validation_targets = to_targets<T>(vy, validation_input.view.rows(), outputs, validation_input.single,
                                         label_rule(loss), "validation_data[1]");
      options.validation_data.emplace(validation_input.view, validation_targets->view);
    }
    const py::object schedule = setting("schedule");
    if (ScheduleObject* object = to_optional_schedule(schedule)) {
      options.schedule = object->value.get();
    }
    const auto factor_schedule = [&](const char* name) -> std::optional<Schedule> {
      const py::object given = setting(name);
      const ScheduleObject* object = to_optional_schedule(given, name);
      return object == nullptr ? std::nullopt : std::optional(copy_schedule(*object->value));
    };
    options.dropout_schedule = factor_schedule("dropout_schedule");
    options.weight_decay_schedule = factor_schedule("weight_decay_schedule");
    for (const auto& name : setting("metrics").template cast<std::vector<std::string>>()) {
      options.metrics.push_back(metric_from_name(name));
    }
    for (const auto& [name, function] :
         setting("custom_metrics").template cast<std::vector<std::pair<std::string, py::object>>>()) {
      options.custom_metrics.push_back({name, MetricFunction{SharedObject(function)}});
    }

    const py::object on_begin = setting("on_begin");
    const py::object on_epoch_end = setting("on_epoch_end");
    const py::object on_progress = setting("on_progress");
    Access access(self.gate, Use::fit);
    Access optimizer_access(optimizer.gate, Use::fit);
    std::optional<py::error_already_set> out_of_memory;
    set_hooks(options, access, optimizer_access, on_begin, on_epoch_end, on_progress, out_of_memory);
    try {
      return to_arguments(without_gil(std::numeric_limits<double>::infinity(), [&] {
        return net.fit(input.view, targets.view, loss, optimizer.value, options);
      }));
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
      R"(State of a training: position, seed, history, early stopping and Checkpoint(save_best_only=True).

`Network.save` writes it to a file, with the optimizer and the schedule of the training. `Network.fit` continues the
training with ``resume_from``.)")
      .def(py::init<>())
      .def_readonly("monitor", &TrainingMemory::monitor, "str : name of the series that early stopping monitors.")
      .def_readonly("best", &TrainingMemory::best, "float or None : best value of `monitor` so far.")
      .def_readonly("best_epoch", &TrainingMemory::best_epoch, "int : zero-based epoch of `best`.")
      .def_readonly("waited", &TrainingMemory::waited, "int : number of epochs since the last improvement.")
      .def_property_readonly(
          "epochs", [](const TrainingMemory& self) { return self.position.epochs; }, "int : number of finished epochs.")
      .def_property_readonly(
          "steps", [](const TrainingMemory& self) { return self.position.steps; }, "int : number of all steps so far.")
      .def_property_readonly(
          "history", [](const TrainingMemory& self) { return to_series(self.history); },
          "dict of str to list of float : the series of the history, up to the last finished epoch.")
      .def_property_readonly(
          "epoch_steps", [](const TrainingMemory& self) { return self.position.epoch_steps; },
          "int : number of steps made in the unfinished epoch; 0 between two epochs.")
      .def_property(
          "best_saved", [](const TrainingMemory& self) { return std::pair(self.best_saved_monitor, self.best_saved); },
          [](TrainingMemory& self, const std::pair<std::string, std::optional<double>>& value) {
            std::tie(self.best_saved_monitor, self.best_saved) = value;
          },
          "(str, float or None) : name of the series that a Checkpoint monitors, and its value at the best\nsave, "
          "negated if higher is better.");
}

}  // namespace

double compute_metric_of(const std::string& name, const ArrayLike& output, const ArrayLike& y,
                         const LossLike& loss_like, const OptionalArrayLike& sample_weight) {
  const Loss loss = to_loss(loss_like);
  const py::array array = to_real_array(output, "output");
  const auto cols = static_cast<std::size_t>(array.shape(1));
  const auto a = to_matrix<double>(array, cols, "output");
  const auto targets = to_targets<double>(y, a.view.rows(), cols, a.single, label_rule(loss));
  const auto weights = to_weights<double>(sample_weight, a.view.rows(), a.single);
  const Metric metric = metric_from_name(name);
  return without_gil(static_cast<double>(array.size()),
                     [&] { return compute_metric<double>(metric, a.view, targets.view, loss, weights.view); });
}

void register_fit(py::module_& m, NetworkClass& cls) {
  register_memory(m);
  m.def("_rises", &rises, py::arg("series"), "Return whether a larger value of the series is better.");
  m.def("_compute_metric", &compute_metric_of, py::arg("name"), py::arg("output"), py::arg("y"), py::arg("loss"),
        py::arg("sample_weight"), "Return accuracy, r2 or mae of the outputs, an array (B, M_N).");
  cls.def("_fit", &fit, py::arg("x"), py::arg("y"), py::kw_only(), py::arg("loss"), py::arg("optimizer"),
          R"(Run the epochs of Network.fit. It passes the other arguments by name.

Return the arguments of History.)");
}

}  // namespace backpass::python

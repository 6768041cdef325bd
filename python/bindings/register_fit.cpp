/// Network._fit: the native training loop of Network.fit.
#include <backpass/trainer.hpp>

#include "any_network.hpp"
#include "communicator.hpp"
#include "fit_arguments.hpp"
#include "row_source.hpp"

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

template <class T>
void set_hooks(FitOptions<T>& options, FitRun& run, const py::object& on_begin, const py::object& on_epoch_end,
               const py::object& on_progress) {
  options.on_begin = [&](const BeginReport& report) {
    run.between_steps([&] {
      call_python(on_begin, py::make_tuple(report.epoch, report.rows));
      return true;  // not the object: it would be dropped without the GIL
    });
  };
  options.on_epoch_end = [&](const EpochReport& report) {
    return run.between_steps([&] {
      return call_python(on_epoch_end, py::make_tuple(report.epoch, last_values(report.history))).template cast<bool>();
    });
  };
  options.on_progress = [&](const ProgressReport& report) {
    return run.between_steps([&] {
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
  std::optional<PythonCommunicator> communicator;
  if (const py::object object = setting("communicator"); !object.is_none()) {
    communicator.emplace(object);
  }
  bool started = false;  // the core reports its errors to the other processes itself
  const auto train = [&]<class T>(Network<T>& net) {
    const Loss loss = to_loss(loss_like);
    OptimizerObject& optimizer = to_optimizer(optimizer_like);
    const FitArrays<T> arrays(net, loss, x, y, setting);
    FitOptions<T> options = to_fit_options(arrays, setting);
    if (const py::object path = setting("resume_from"); !path.is_none()) {
      options.resume_from = to_path(Path(path));
    }
    // A resumed training uses the seed of the file. An int must be equal to this seed.
    if (const py::object seed = setting("seed"); options.resume_from.empty() || PyLong_Check(seed.ptr()) != 0) {
      options.seed = to_seed(seed);
    }
    options.shards = to_shards(OptionalInt(setting("shards")));
    options.communicator = communicator ? &*communicator : nullptr;
    options.memory = setting("memory").template cast<TrainingMemory*>();
    const py::object schedule = setting("schedule");
    if (ScheduleObject* object = to_optional_schedule(schedule)) {
      options.schedule = object->value.get();
    }
    const py::object on_begin = setting("on_begin");
    const py::object on_epoch_end = setting("on_epoch_end");
    const py::object on_progress = setting("on_progress");
    AccessGroup accesses;
    accesses.enter({&self.gate}, Use::fit);
    accesses.enter({&optimizer.gate}, Use::fit);
    const ScheduleUse schedule_use(options.schedule);
    FitRun run(accesses);
    set_hooks(options, run, on_begin, on_epoch_end, on_progress);
    started = true;
    if (const py::object windows = setting("source"); !windows.is_none()) {
      PythonSource<T> source(windows, net, loss, run);
      return to_arguments(run.run([&] { return net.fit(source, loss, optimizer.value, options); }));
    }
    return to_arguments(run.run([&] { return net.fit(arrays.x.view, arrays.y.view, loss, optimizer.value, options); }));
  };
  try {
    return self.visit(train);
  } catch (const std::exception& error) {
    if (communicator && !started) {
      report_failure(*communicator, error.what());
    }
    throw;
  }
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

StringDict to_arguments(const History& history) {
  py::dict arguments;
  arguments["series"] = to_series(history);
  arguments["epochs"] = history.epochs;
  arguments["best_epoch"] = history.best_epoch;
  arguments["stopped_early"] = history.stopped_early;
  arguments["restored_best"] = history.restored_best;
  return StringDict(arguments);
}

std::optional<EarlyStopping> to_early_stopping(const py::object& object) {
  if (object.is_none()) {
    return std::nullopt;
  }
  EarlyStopping settings;
  set_fields(settings, [&](const char* name) -> py::object { return object.attr(name); });
  return settings;
}

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
  m.def(
      "_report_failure",
      [](const py::object& communicator, const std::string& text) {
        PythonCommunicator group(communicator);
        report_failure(group, text);
      },
      py::arg("communicator"), py::arg("text"), "Tell the other processes that this one fails before its call of fit.");
  m.def("_rises", &rises, py::arg("series"), "Return whether a larger value of the series is better.");
  m.def("_compute_metric", &compute_metric_of, py::arg("name"), py::arg("output"), py::arg("y"), py::arg("loss"),
        py::arg("sample_weight"), "Return accuracy, r2 or mae of the outputs, an array (B, M_N).");
  cls.def("_fit", &fit, py::arg("x"), py::arg("y"), py::kw_only(), py::arg("loss"), py::arg("optimizer"),
          R"(Run the epochs of Network.fit. It passes the other arguments by name.

Return the arguments of History.)");
}

}  // namespace backpass::python

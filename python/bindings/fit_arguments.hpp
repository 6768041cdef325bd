/// What the bindings of Network.fit and Ensemble.fit share: the arguments, and the calls of Python functions.
#pragma once

#include <backpass/trainer.hpp>

#include <limits>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "custom.hpp"
#include "objects.hpp"

namespace backpass::python {

/// The arguments of Python's History.
StringDict to_arguments(const History& history);

/// Converts a value that Python's fit has checked.
template <class V>
V convert_setting(py::handle value, const char* name) {
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
    settings.*field.member = convert_setting<V>(value_of(field.name), field.name);
  });
}

/// The arrays of a training, converted for the core.
template <class T>
struct FitArrays {
  MatrixInput<T> x;
  TargetsInput<T> y;
  WeightsInput<T> weights;
  MatrixInput<T> validation_x;
  std::optional<TargetsInput<T>> validation_y;

  /// \param setting  gives an argument of fit by its name
  template <class Setting>
  FitArrays(const Network<T>& network, const Loss& loss, const ArrayLike& inputs, const ArrayLike& targets,
            const Setting& setting)
      : x(to_matrix<T>(inputs, network.sizes().front(), "x")),
        y(to_targets<T>(targets, x.view.rows(), network.sizes().back(), x.single, label_rule(loss))),
        weights(to_weights<T>(setting("sample_weight"), x.view.rows(), x.single)) {
    if (const py::object data = setting("validation_data"); !data.is_none()) {
      const auto [vx, vy] = data.template cast<std::pair<ArrayLike, ArrayLike>>();
      validation_x = to_matrix<T>(vx, network.sizes().front(), "validation_data[0]");
      validation_y = to_targets<T>(vy, validation_x.view.rows(), network.sizes().back(), validation_x.single,
                                   label_rule(loss), "validation_data[1]");
    }
  }
};

std::optional<EarlyStopping> to_early_stopping(const py::object& object);

/// The options without seed, schedule, files, memory and functions.
/// \param setting  gives an argument of fit by its name
template <class T, class Setting>
FitOptions<T> to_fit_options(const FitArrays<T>& arrays, const Setting& setting) {
  FitOptions<T> options;
  set_fields(options, setting);
  set_fields(options.gradient, setting);
  options.sample_weight = arrays.weights.view;
  if (arrays.validation_y) {
    options.validation_data.emplace(arrays.validation_x.view, arrays.validation_y->view);
  }
  options.early_stopping = to_early_stopping(setting("early_stopping"));
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
  return options;
}

/// Runs a fit without the GIL, and Python functions between its steps.
class FitRun {
 public:
  explicit FitRun(AccessGroup& accesses) : accesses_(accesses) {}

  /// Returns f(), which may use Python. A MemoryError of Python becomes std::bad_alloc, so that fit restores the last
  /// finished epoch.
  template <class F>
  auto between_steps(F f) {
    const GilHold gil;
    try {
      return python::between_steps(accesses_, f);
    } catch (const py::error_already_set& error) {
      if (!error.matches(PyExc_MemoryError)) {
        throw;
      }
      out_of_memory_.emplace(error);
      throw std::bad_alloc();
    }
  }

  /// Returns f(), which calls fit. A std::bad_alloc of between_steps() becomes the MemoryError again.
  template <class F>
  auto run(F f) {
    try {
      return without_gil(std::numeric_limits<double>::infinity(), f);
    } catch (const std::bad_alloc&) {
      if (out_of_memory_) {
        throw *out_of_memory_;
      }
      throw;
    }
  }

 private:
  AccessGroup& accesses_;
  std::optional<py::error_already_set> out_of_memory_;  ///< with its traceback
};

}  // namespace backpass::python

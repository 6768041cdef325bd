/// The closed sets of the core (activations, losses, optimizers, schedules) as Python objects, and back.
#pragma once

#include <memory>
#include <string>

#include <backpass/activation.hpp>
#include <backpass/initializer.hpp>
#include <backpass/loss.hpp>
#include <backpass/optimizer.hpp>
#include <backpass/schedule.hpp>

#include "access.hpp"
#include "annotations.hpp"

namespace backpass::python {

// What the base classes of Python's Loss, Optimizer and Schedule objects hold. An Activation and an Initializer are
// bound as they are.
struct LossObject {
  Loss value;
};
struct OptimizerObject {
  explicit OptimizerObject(Optimizer optimizer) : value(std::move(optimizer)) {}
  Optimizer value;
  Gate gate;
};
/// Shared, so that the `then` of a warm-up is the object that the user gave.
struct ScheduleObject {
  std::shared_ptr<Schedule> value;
};

/// The Python class of one alternative: Huber for LossOf<Huber>.
template <class Base, class V>
struct ObjectOf : Base {
  using Value = V;
  explicit ObjectOf(V v) : Base{std::move(v)} {}
  [[nodiscard]] V& get() noexcept { return *std::get_if<V>(&this->value); }
  [[nodiscard]] const V& get() const noexcept { return *std::get_if<V>(&this->value); }
};
template <class V>
struct ObjectOf<ScheduleObject, V> : ScheduleObject {
  using Value = V;
  explicit ObjectOf(V v) : ScheduleObject{std::make_shared<Schedule>(std::move(v))} {}
  explicit ObjectOf(std::shared_ptr<Schedule> shared) : ScheduleObject{std::move(shared)} {}
  [[nodiscard]] V& get() noexcept { return *std::get_if<V>(value.get()); }
  [[nodiscard]] const V& get() const noexcept { return *std::get_if<V>(value.get()); }
};

// Names are taken where the value has no state.
// \throws py::type_error for another type, std::invalid_argument for an unknown name
Activation to_activation(py::handle object);
Initializer to_initializer(py::handle object);
Loss to_loss(py::handle object);
OptimizerObject& to_optimizer(py::handle object);
/// Null for None.
OptimizerObject* to_optional_optimizer(py::handle object);
ScheduleObject* to_optional_schedule(py::handle object);

// The object of the most derived class.
py::object from_activation(const Activation& activation);
py::object from_optimizer(Optimizer optimizer);
py::object from_schedule(std::shared_ptr<Schedule> schedule);

/// What __reduce__ returns for an object whose class has a property `state`. (Its name being __setstate__, pybind11
/// would take a method that sets it for a constructor.)
AnyTuple reduce_with_state(const py::object& self, const py::tuple& arguments, const py::object& state);

/// "int", for messages.
std::string type_name(py::handle object);
/// The UTF-8 of a str.
/// \throws py::type_error for another type, py::value_error for characters that UTF-8 has not (lone surrogates)
std::string to_text(py::handle object, const std::string& name);
/// A non-negative integer (anything with __index__).
/// \throws py::type_error, py::value_error naming the argument
std::uint64_t to_count(py::handle object, const char* name);

}  // namespace backpass::python

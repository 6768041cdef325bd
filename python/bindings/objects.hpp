/// Conversions between Python objects and the core's activations, initializers, losses, optimizers and schedules.
#pragma once

#include <filesystem>
#include <map>
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

// The C++ types of Python's base classes Loss, Optimizer and Schedule. Activation and Initializer are bound directly.
struct LossObject {
  Loss value;
  [[nodiscard]] const Loss& variant() const noexcept { return value; }
};
struct OptimizerObject {
  explicit OptimizerObject(Optimizer optimizer) : value(std::move(optimizer)) {}
  Optimizer value;
  Gate gate;
  [[nodiscard]] Optimizer& variant() noexcept { return value; }
  [[nodiscard]] const Optimizer& variant() const noexcept { return value; }
};
/// shared_ptr, so that the `then` of a LinearWarmup and the object that the user passed refer to the same Schedule.
struct ScheduleObject {
  std::shared_ptr<Schedule> value;
  [[nodiscard]] const Schedule& variant() const noexcept { return *value; }
};
/// Reserves a schedule for one call of fit, if the schedule has a memory: two fits would both write to it. Needs the
/// GIL in its constructor and destructor.
class ScheduleUse {
 public:
  /// \throws StateError if another fit has reserved the schedule
  explicit ScheduleUse(Schedule* schedule);
  ~ScheduleUse();
  ScheduleUse(const ScheduleUse&) = delete;
  ScheduleUse& operator=(const ScheduleUse&) = delete;

 private:
  const void* memory_;  ///< that of the schedule; null if it has none
};
/// \throws StateError if a fit has reserved the schedule
void require_unused(Schedule& schedule);

/// The Python class of one alternative V of a variant. Example: LossOf<Huber> is Python's Huber.
template <class B, class V>
struct ObjectOf : B {
  using Base = B;
  using Value = V;
  explicit ObjectOf(V v) : Base{std::move(v)} {}
  [[nodiscard]] V& get() noexcept { return *std::get_if<V>(&this->value); }
  [[nodiscard]] const V& get() const noexcept { return *std::get_if<V>(&this->value); }
};
template <class V>
struct ObjectOf<ScheduleObject, V> : ScheduleObject {
  using Base = ScheduleObject;
  using Value = V;
  explicit ObjectOf(V v) : ScheduleObject{std::make_shared<Schedule>(std::move(v))} {}
  explicit ObjectOf(std::shared_ptr<Schedule> shared) : ScheduleObject{std::move(shared)} {}
  [[nodiscard]] V& get() noexcept { return *std::get_if<V>(value.get()); }
  [[nodiscard]] const V& get() const noexcept { return *std::get_if<V>(value.get()); }
};

// Conversions from Python. Types without state (activations, initializers, losses) are also accepted by name.
// \throws py::type_error for a wrong type, std::invalid_argument for an unknown name
Activation to_activation(py::handle object);
Initializer to_initializer(py::handle object);
Loss to_loss(py::handle object);
OptimizerObject& to_optimizer(py::handle object);
/// \returns null for None
OptimizerObject* to_optional_optimizer(py::handle object);
ScheduleObject* to_optional_schedule(py::handle object, const char* name = "schedule");

// Conversions to Python: an object of the most derived class.
py::object from_activation(const Activation& activation);
py::object from_optimizer(Optimizer optimizer);
py::object from_schedule(std::shared_ptr<Schedule> schedule);

/// The result of __reduce__ for an object whose class has a property `state`. A method named __setstate__ is not an
/// alternative: pybind11 treats it as a constructor.
AnyTuple reduce_with_state(const py::object& self, const py::tuple& arguments, const py::object& state);

/// The name of the object's type, for messages. Example: "int".
std::string type_name(py::handle object);
/// The UTF-8 encoding of a str.
/// \throws py::type_error for another type, py::value_error for characters that UTF-8 cannot encode (lone surrogates)
std::string to_text(py::handle object, const std::string& name);
/// \throws py::type_error if the object is not a path, py::value_error if it is not a valid file name
std::filesystem::path to_path(const Path& object);
/// A seed from None (a random one), a non-negative integer below 2**64, numpy's SeedSequence or Generator.
/// \throws py::type_error or py::value_error
std::uint64_t to_seed(py::handle object);
/// A number, from any object with __float__ except a text.
/// \throws py::type_error; the message names the argument
double to_number(py::handle object, const char* name);
/// A non-negative integer below 2**64, from any object with __index__.
/// \throws py::type_error or py::value_error; the message names the argument
std::uint64_t to_count(py::handle object, const char* name);

/// num_threads of a call. None becomes 0: the core then chooses the number of threads by the amount of work.
/// \throws py::type_error or py::value_error
int to_threads(const OptionalInt& num_threads);
/// The number of shards, which the core checks; none for None.
std::optional<std::size_t> to_shards(const OptionalInt& shards);
/// The metadata of a file, from a dict of str to str or None. \throws py::type_error or py::value_error
std::map<std::string, std::string> to_metadata(const OptionalStrings& object);

}  // namespace backpass::python

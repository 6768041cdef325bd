/// backpass.schedules: the learning rate as a function of time.
#include <backpass/schedule.hpp>

#include <cstdint>

#include "objects.hpp"
#include "record.hpp"

namespace backpass::python {
namespace {

template <class V>
using ScheduleOf = ObjectOf<ScheduleObject, V>;

void register_schedule_base(py::module_& m) {
  py::class_<ScheduleObject> cls(
      m, "Schedule",
      "A learning rate as a function of time and of the optimizer's (base) learning rate: the base class "
      "of backpass.schedules.");
  def_repr(cls);
  def_value_methods(cls);
  cls.def(
         "lr",
         [](const ScheduleObject& self, double base_lr, std::int64_t epoch, std::int64_t step) {
           return scheduled_lr(*self.value, base_lr, epoch, step);
         },
         py::arg("base_lr"), py::arg("epoch") = 0, py::arg("step") = 0, R"(Return the learning rate.

Parameters
----------
base_lr : float
    The optimizer's learning rate.
epoch, step : int
    Zero-based. A schedule uses the one that it is counted in.

Returns
-------
float

Examples
--------
>>> import backpass as bp
>>> bp.schedules.Step(step_size=2, gamma=0.5).lr(1.0, epoch=4)
0.25
)")
      .def(
          "observe",
          [](ScheduleObject& self, double base_lr, double monitored_loss) {
            require_unused(*self.value);
            observe(*self.value, base_lr, monitored_loss);
          },
          py::arg("base_lr"), py::arg("monitored_loss"),
          "Report the loss of the epoch that ended. Only ReduceOnPlateau uses it, alone or after a warm-up.")
      .def(
          "with_length",
          [](const ScheduleObject& self, std::int64_t total_steps, std::int64_t total_epochs) {
            return ScheduleResult(
                from_schedule(std::make_shared<Schedule>(with_length(*self.value, total_steps, total_epochs))));
          },
          py::arg("total_steps"), py::arg("total_epochs") = 0,
          R"(Return a copy in which a schedule without a length (``total_steps=0``, ``period=0``) has one.

`Network.fit` follows such a copy, with the steps and epochs of the whole training. Schedules that need no length are copied without a change.

Parameters
----------
total_steps : int
    Number of steps of the whole schedule. A schedule that is counted in steps and follows a warm-up gets the steps after the warm-up.
total_epochs : int
    Number of epochs of the whole schedule. With 0, a schedule that is counted in epochs does not change.

Returns
-------
Schedule

Examples
--------
>>> import backpass as bp
>>> bp.schedules.OneCycle(max_lr=0.1).with_length(500).total_steps
500
)");
}

template <class V>
auto register_one_schedule(py::module_& m) {
  const std::string name(V::name);
  py::class_<ScheduleOf<V>, ScheduleObject> cls(m, name.c_str(), class_doc<V>(m, name.c_str()).c_str());
  def_init(cls);
  def_properties(cls);
  return cls;
}

/// Adds the memory of ReduceOnPlateau to its class. The other schedules have only settings.
void add_memory(py::class_<ScheduleOf<schedules::ReduceOnPlateau>, ScheduleObject> cls) {
  using V = schedules::ReduceOnPlateau;
  using Memory = std::tuple<double, std::int64_t, std::int64_t, double>;
  cls.def_property_readonly(
         "scale", [](const ScheduleOf<V>& self) { return self.get().scale; },
         "float : product of all reductions so far.")
      .def_property_readonly(
          "best", [](const ScheduleOf<V>& self) { return self.get().best; }, "float : smallest loss so far.")
      .def("__reduce__",
           [](const py::object& self) {
             const V& v = self.cast<const ScheduleOf<V>&>().get();
             return reduce_with_state(self, arguments_of(named_values(v)),
                                      py::make_tuple(v.best, v.bad_epochs, v.cooldown_left, v.scale));
           })
      .def_property(
          "state",
          [](const ScheduleOf<V>& self) {
            const V& v = self.get();
            return Memory(v.best, v.bad_epochs, v.cooldown_left, v.scale);
          },
          [](ScheduleOf<V>& self, const Memory& memory) {
            require_unused(*self.value);
            V& v = self.get();
            std::tie(v.best, v.bad_epochs, v.cooldown_left, v.scale) = memory;
          },
          "tuple : memory of the schedule: best, bad epochs, remaining epochs of cooldown, scale.");
}

}  // namespace

py::object from_schedule(std::shared_ptr<Schedule> schedule) {
  return std::visit([&]<class V>(const V&) { return py::cast(ScheduleOf<V>(schedule)); }, *schedule);
}

void register_schedule(py::module_& m) {
  register_schedule_base(m);
  for_each_alternative<Schedule>([&]<class V>() {
    auto cls = register_one_schedule<V>(m);
    if constexpr (std::is_same_v<V, schedules::ReduceOnPlateau>) {
      add_memory(cls);
    }
  });
}

}  // namespace backpass::python

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
            observe(*self.value, base_lr, monitored_loss);
          },
          py::arg("base_lr"), py::arg("monitored_loss"),
          "Report the loss of the epoch that ended. Only ReduceOnPlateau uses it, alone or after a warm-up.")
      .def(
          "with_length",
          [](const ScheduleObject& self, std::int64_t total_steps) {
            return ScheduleResult(from_schedule(std::make_shared<Schedule>(with_length(*self.value, total_steps))));
          },
          py::arg("total_steps"), R"(Return a copy in which a OneCycle with ``total_steps=0`` has a length.

`Network.fit` follows this copy. A checkpoint should also contain it, so that a resumed training keeps the length of the
whole training. Schedules that need no length are copied without a change.

Parameters
----------
total_steps : int
    Number of steps of the whole schedule. A OneCycle after a warm-up gets the steps after the warm-up.

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
auto register_one_schedule(py::module_& m, const char* class_name, const char* doc) {
  py::class_<ScheduleOf<V>, ScheduleObject> cls(m, class_name,
                                                with_example(doc, m, class_name, named_values(V())).c_str());
  def_init(cls);
  def_properties(cls);
  return cls;
}

void register_plateau(py::module_& m) {
  using V = schedules::ReduceOnPlateau;
  using Memory = std::tuple<double, std::int64_t, std::int64_t, double>;
  register_one_schedule<V>(
      m, "ReduceOnPlateau",
      R"(Multiply the rate by `factor` after `patience` epochs without improvement, as PyTorch's ReduceLROnPlateau.

An improvement is a loss below best − threshold · |best|. A `Network.fit` that does not resume an earlier training first
resets the memory of this schedule.

Parameters
----------
factor : float
    In [0, 1).
patience : int
    Number of epochs.
threshold : float
    In [0, 1).
cooldown : int
    Number of epochs after a reduction in which epochs without improvement are not counted.
min_lr : float
    Lower bound of the rate.
)")
      .def_property_readonly(
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
  register_one_schedule<schedules::Constant>(m, "Constant", "lr = base.\n");
  register_one_schedule<schedules::Step>(m, "Step", R"(lr = base · gamma^⌊epoch / step_size⌋, as PyTorch's StepLR.

Parameters
----------
step_size : int
    Number of epochs.
gamma : float
)");
  register_one_schedule<schedules::Exponential>(m, "Exponential", R"(lr = base · gamma^epoch.

Parameters
----------
gamma : float
)");
  register_one_schedule<schedules::Cosine>(
      m, "Cosine",
      R"(Cosine decay from base to min_lr, then constant (Loshchilov and Hutter 2017).

lr = min_lr + (base − min_lr) (1 + cos(π epoch / period)) / 2 for epoch < period, then lr = min_lr.

Parameters
----------
period : int
    Number of epochs.
min_lr : float
)");
  register_one_schedule<schedules::OneCycle>(
      m, "OneCycle",
      R"(Increase to max_lr and decrease again along cosines, as PyTorch's OneCycleLR (Smith and Topin 2019).

The base rate is not used. The optimizer's momentum does not change.

Parameters
----------
max_lr : float
total_steps : int
    0 means the steps of the `Network.fit` with this schedule, plus the steps of the training that this `fit` resumes;
    see `with_length`.
pct_start : float
    Fraction of the steps in which the rate increases.
div_factor : float
    The first rate is max_lr / div_factor.
final_div_factor : float
    The last rate is the first rate / final_div_factor.
)");
  register_one_schedule<schedules::InverseScaling>(m, "InverseScaling",
                                                   R"(lr = base / (1 + step)^power, as scikit-learn's "invscaling".

Parameters
----------
power : float
)");
  register_plateau(m);
  register_one_schedule<schedules::LinearWarmup>(
      m, "LinearWarmup",
      R"(Increase linearly from start_factor · base to base over `steps` steps, then follow `then`.

Parameters
----------
steps : int
start_factor : float
    In [0, 1].
then : Schedule, optional
    Default: Constant. A schedule counted in steps starts at step 0 after the warm-up. A schedule counted in epochs gets
    the true epoch.
)");
}

}  // namespace backpass::python

/// backpass.optim. An optimizer has settings, and a state that it keeps between steps.
#include <backpass/optimizer.hpp>

#include <algorithm>
#include <cstdint>

#include "arrays.hpp"
#include "objects.hpp"
#include "record.hpp"

namespace backpass::python {
namespace {

template <class V>
using OptimizerOf = ObjectOf<OptimizerObject, V>;

/// PyTorch's names of the arrays that an optimizer keeps, in the order of the slots of OptimizerState.
std::vector<const char*> slot_names(const Optimizer& optimizer) {
  return std::visit(
      []<class O>(const O&) { return std::vector<const char*>(std::begin(O::slot_names), std::end(O::slot_names)); },
      optimizer);
}

/// PyTorch's name of OptimizerState::Group::memory; null if the optimizer does not use it.
const char* group_memory_of(const Optimizer& optimizer) {
  return std::visit([]<class O>(const O&) { return group_memory_name<O>(); }, optimizer);
}

OptimizerState& state_of(Optimizer& optimizer) {
  return std::visit([](auto& o) -> OptimizerState& { return o.state; }, optimizer);
}

/// \param needed  number of slots that the next step needs; a missing slot is shown as zeros, with which it will start
template <class T>
void put_slots(py::dict& result, const std::vector<const char*>& names, const std::vector<std::vector<T>>& slots,
               std::size_t needed) {
  if (slots.empty()) {
    return;
  }
  for (std::size_t i = 0; i < slots.size(); ++i) {
    result[names.at(i)] = copy_of<T>({slots[i].data(), 1, slots[i].size()}, true);
  }
  for (std::size_t i = slots.size(); i < needed; ++i) {
    py::array_t<T> zeros(static_cast<py::ssize_t>(slots[0].size()));
    T* const out = zeros.mutable_data();
    in_parts_with_signals(slots[0].size(),
                          [&](std::size_t begin, std::size_t end) { std::fill(out + begin, out + end, T(0)); });
    result[names.at(i)] = zeros;
  }
}

StringDict get_optimizer_state(OptimizerObject& self) {
  const Shared shared(self.gate);
  const OptimizerState& state = state_of(self.value);
  py::dict result;
  const std::size_t needed = num_slots(self.value);
  const bool has_slots = !state.slots_f32.empty() || !state.slots_f64.empty();
  // SGD whose momentum was set after its last step starts with an empty state in its next step.
  if (state.empty() || (needed > 0 && !has_slots)) {
    return StringDict(result);
  }
  py::list steps;
  py::list memories;
  for (const auto& group : state.groups) {
    steps.append(group.step);
    memories.append(group.memory);
  }
  result["step"] = steps;
  if (const char* name = group_memory_of(self.value)) {
    result[name] = memories;
  }
  put_slots(result, slot_names(self.value), state.slots_f32, needed);
  put_slots(result, slot_names(self.value), state.slots_f64, needed);
  return StringDict(result);
}

template <class T>
std::vector<T> to_vector(const py::array& array) {
  const auto size = static_cast<std::size_t>(array.size());
  const auto input = to_matrix<T>(array, size, "state");
  std::vector<T> values;
  values.reserve(size);
  const T* const from = input.view.data();
  in_parts_with_signals(
      size, [&](std::size_t begin, std::size_t end) { values.insert(values.end(), from + begin, from + end); });
  return values;
}

/// Removes the entry `key` and returns it as a list of numbers. \throws py::type_error; the message names the key
template <class V>
std::vector<V> take_list(py::dict& values, const char* key, const char* what) {
  try {
    return values.attr("pop")(key).cast<std::vector<V>>();
  } catch (const py::cast_error&) {
    throw py::type_error("state: " + std::string(key) + " must be a list of " + what + ", one per layer");
  }
}

void set_optimizer_state(OptimizerObject& self, const StringDict& values) {
  const Exclusive exclusive(self.gate);
  OptimizerState state;
  py::dict rest = call_python(py::module_::import("builtins").attr("dict"), py::make_tuple(values));
  if (rest.contains("step")) {
    for (const auto step : take_list<std::int64_t>(rest, "step", "counts")) {
      if (step < 0) {
        throw py::value_error("state: step must be at least 0, got " + std::to_string(step));
      }
      state.groups.push_back({.step = step});
    }
  }
  const auto missing = [](const char* key) {
    throw py::value_error("state: " + std::string(key) +
                          " is missing; assign the whole dict that `state` returned, or an empty one");
  };
  if (const char* name = group_memory_of(self.value)) {
    if (rest.contains(name)) {
      const auto memories = take_list<double>(rest, name, "numbers");
      if (memories.size() != state.groups.size()) {
        throw py::value_error("state: step has " + std::to_string(state.groups.size()) + " entries and " + name + " " +
                              std::to_string(memories.size()));
      }
      for (std::size_t i = 0; i < memories.size(); ++i) {
        state.groups[i].memory = memories[i];
      }
    } else if (!state.groups.empty()) {
      missing(name);
    }
  }
  std::size_t length = 0;
  std::size_t needed = state.groups.empty() ? 0 : num_slots(self.value);
  const char* absent = nullptr;
  for (const char* name : slot_names(self.value)) {
    const bool required = needed > 0;
    needed -= required ? 1 : 0;
    if (!rest.contains(name)) {
      if (required) {
        missing(name);
      }
      absent = absent == nullptr ? name : absent;
      continue;
    }
    if (absent != nullptr) {
      missing(absent);  // slots are created in order
    }
    const py::array array = to_real_array(rest.attr("pop")(name), name);
    const bool first = state.slots_f32.empty() && state.slots_f64.empty();
    const bool is_float = is_float32(array);
    if (array.ndim() != 1 ||
        (!first && (static_cast<std::size_t>(array.size()) != length || is_float == state.slots_f32.empty()))) {
      throw py::value_error("state: " + std::string(name) + " has shape " + shape_text(array) +
                            "; the arrays of a state must be one-dimensional and have the same length and dtype");
    }
    length = static_cast<std::size_t>(array.size());
    if (is_float) {
      state.slots_f32.push_back(to_vector<float>(array));
    } else {
      state.slots_f64.push_back(to_vector<double>(array));
    }
  }
  if (!rest.empty()) {
    throw py::value_error("state has entries that this optimizer does not have: " +
                          std::string(py::str(py::list(rest))));
  }
  if (state.groups.empty() && length != 0) {
    throw py::value_error("state has arrays, but no entry \"step\"");
  }
  state_of(self.value) = std::move(state);
}

void register_optimizer_base(py::module_& m) {
  py::class_<OptimizerObject> cls(
      m, "Optimizer",
      R"(An algorithm that updates parameters from gradients: the base class of backpass.optim.

An optimizer keeps its state between steps, so one object serves one network. It belongs to the network of its first
step until `reset`; a step of another network then raises RuntimeError. A copy belongs to the network of its next step.
The settings may be changed between steps.
)");
  def_repr(cls);
  cls.def("__reduce__", [](const py::object& self) {
    auto& object = self.cast<OptimizerObject&>();
    return reduce_with_state(self, arguments_of(Record<OptimizerObject>::settings(object)),
                             get_optimizer_state(object));
  });
  cls.def_property("state", &get_optimizer_state, &set_optimizer_state,
                   R"(dict : state of the optimizer, with PyTorch's names; empty before the first step.

``step`` has one count per layer. The arrays have one number per parameter, in the order of `Network.parameters`.
Reading returns a copy. Assigning such a dict restores the state. If an entry is missing or wrong, a ValueError or
TypeError names this entry, and the optimizer keeps its state.)")
      .def(
          "reset",
          [](OptimizerObject& self) {
            const Exclusive exclusive(self.gate);
            state_of(self.value).reset();
          },
          "Delete the state: the next step is a first step.");
}

/// Changes the setting `name` to `value`, if the optimizer has it and accepts the value.
template <class T>
void set_setting(OptimizerObject& self, std::string_view name, const T& value) {
  const Exclusive exclusive(self.gate);
  std::visit(
      [&]<class V>(V& v) {
        // Check a new optimizer with the same settings. A copy of the whole optimizer would also copy its state.
        V changed;
        for_each_setting<V>([&](const auto& setting) { setting.set(changed, setting.get(v)); });
        for_each_setting<V>([&]<class S>(const S& setting) {
          if constexpr (std::is_same_v<typename S::Value, T>) {
            if (setting.name == name) {
              setting.set(changed, value);
              validate(changed);
              setting.set(v, value);
            }
          }
        });
      },
      self.value);
}

template <class V>
void register_one_optimizer(py::module_& m) {
  const std::string name(V::name);
  py::class_<OptimizerOf<V>, OptimizerObject> cls(m, name.c_str(), class_doc<V>(m, name.c_str()).c_str());
  def_init(cls);
  def_properties(
      cls, [](OptimizerObject& self, const char* setting, const auto& value) { set_setting(self, setting, value); });
}

}  // namespace

py::object from_optimizer(Optimizer optimizer) {
  return std::visit([]<class V>(V&& v) { return py::cast(OptimizerOf<std::remove_cvref_t<V>>(std::forward<V>(v))); },
                    std::move(optimizer));
}

void register_optimizer(py::module_& m) {
  register_optimizer_base(m);
  for_each_alternative<Optimizer>([&]<class V>() { register_one_optimizer<V>(m); });
  m.def(
      "get", [](const std::string& name) { return OptimizerResult(from_optimizer(optimizer_from_name(name))); },
      py::arg("name"),
      R"(Return a new optimizer with this name ("adam", "sgd", …) and its default settings.

Raises
------
ValueError
    If the name is unknown. The message lists the known names.
)");
  m.def("names", &optimizer_names, "Return the names of all optimizers.");
}

}  // namespace backpass::python

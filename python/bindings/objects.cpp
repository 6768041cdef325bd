#include "objects.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <backpass/error.hpp>
#include <backpass/random.hpp>
#include <backpass/runtime.hpp>

namespace backpass::python {
namespace {

[[noreturn]] void wrong_type(const std::string& what, const char* expected, py::handle got) {
  const std::string must_be = what + " must be " + expected + ", not ";
  if (PyType_Check(got.ptr()) != 0) {
    const std::string name = py::str(got.attr("__name__"));
    throw py::type_error(must_be + "the class " + name + ": write " + name + "(...)");
  }
  throw py::type_error(must_be + type_name(got));
}

/// Converts a name (by from_name) or an object of class T.
template <class T, class FromName>
T named_or_object(py::handle object, const char* what, const char* expected, FromName&& from_name) {
  if (py::isinstance<py::str>(object)) {
    return from_name(to_text(object, what));
  }
  if (!py::isinstance<T>(object)) {
    wrong_type(what, expected, object);
  }
  return object.cast<const T&>();
}

}  // namespace

Activation to_activation(py::handle object) {
  return named_or_object<Activation>(object, "an activation", "a name or an object of backpass.activations",
                                     [](const std::string& name) { return Activation::from_name(name); });
}

Initializer to_initializer(py::handle object) {
  return named_or_object<Initializer>(object, "an initializer", "a name or an object of backpass.initializers",
                                      [](const std::string& name) { return Initializer::from_name(name); });
}

Loss to_loss(py::handle object) {
  return named_or_object<LossObject>(object, "loss", "a name or an object of backpass.losses",
                                     [](const std::string& name) { return LossObject{loss_from_name(name)}; })
      .value;
}

OptimizerObject* to_optional_optimizer(py::handle object) {
  if (object.is_none()) {
    return nullptr;
  }
  if (!py::isinstance<OptimizerObject>(object)) {
    wrong_type("optimizer", "an object of backpass.optim, which keeps its state between steps", object);
  }
  return object.cast<OptimizerObject*>();
}

OptimizerObject& to_optimizer(py::handle object) {
  OptimizerObject* optimizer = to_optional_optimizer(object);
  if (optimizer == nullptr) {
    wrong_type("optimizer", "an object of backpass.optim", object);
  }
  return *optimizer;
}

ScheduleObject* to_optional_schedule(py::handle object, const char* name) {
  if (object.is_none()) {
    return nullptr;
  }
  if (!py::isinstance<ScheduleObject>(object)) {
    wrong_type(name, "an object of backpass.schedules", object);
  }
  return object.cast<ScheduleObject*>();
}

namespace {

/// The results of plateau_of() for the schedules that a fit uses now. The GIL protects the list.
std::vector<const void*>& reserved_memories() {
  static std::vector<const void*> reserved;
  return reserved;
}

}  // namespace

void require_unused(Schedule& schedule) {
  const auto& reserved = reserved_memories();
  if (std::find(reserved.begin(), reserved.end(), plateau_of(schedule)) != reserved.end()) {
    throw StateError("a fit that has not ended uses this schedule: give each fit a schedule of its own");
  }
}

ScheduleUse::ScheduleUse(Schedule* schedule) : memory_(schedule == nullptr ? nullptr : plateau_of(*schedule)) {
  if (memory_ != nullptr) {
    require_unused(*schedule);
    reserved_memories().push_back(memory_);
  }
}

ScheduleUse::~ScheduleUse() { std::erase(reserved_memories(), memory_); }

AnyTuple reduce_with_state(const py::object& self, const py::tuple& arguments, const py::object& state) {
  const py::object restore = py::module_::import("backpass._core").attr("_restore");
  return AnyTuple(py::make_tuple(restore, py::make_tuple(py::type::of(self), arguments, state)));
}

void register_restore(py::module_& m) {
  m.def(
      "_restore",
      [](const py::type& cls, const AnyTuple& arguments, const py::object& state) {
        py::object result = cls(*arguments);
        result.attr("state") = state;
        return result;
      },
      py::arg("cls"), py::arg("arguments"), py::arg("state"), "Unpickle an object that has a state.");
}

std::string type_name(py::handle object) { return py::str(py::type::handle_of(object).attr("__name__")); }

std::string to_text(py::handle object, const std::string& name) {
  if (!py::isinstance<py::str>(object)) {
    wrong_type(name, "a str", object);
  }
  py::ssize_t size = 0;
  const char* text = PyUnicode_AsUTF8AndSize(object.ptr(), &size);
  if (text == nullptr) {
    PyErr_Clear();
    const auto shown = py::reinterpret_steal<py::str>(PyObject_ASCII(object.ptr()));
    throw py::value_error(name + " has characters that UTF-8 cannot encode: " + std::string(shown));
  }
  return {text, static_cast<std::size_t>(size)};
}

std::filesystem::path to_path(const Path& object) {
  PyObject* encoded = nullptr;
  if (PyUnicode_FSConverter(object.ptr(), static_cast<void*>(&encoded)) == 0) {
    py::error_already_set error;
    if (!error.matches(PyExc_ValueError)) {
      throw error;
    }
    // A null character, or a character that the encoding of the file system does not have.
    const auto shown = py::reinterpret_steal<py::str>(PyObject_ASCII(object.ptr()));
    throw py::value_error("invalid file name " + std::string(shown) + ": " + std::string(py::str(error.value())));
  }
  return {std::string(py::reinterpret_steal<py::bytes>(encoded))};
}

std::uint64_t to_seed(py::handle object) {
  if (object.is_none()) {
    return random_seed();
  }
  if (py::hasattr(object, "generate_state")) {
    const py::object words = call_python(object.attr("generate_state"), py::make_tuple(1, "uint64"));
    return py::object(words[py::int_(0)]).cast<std::uint64_t>();
  }
  if (py::hasattr(object, "integers")) {
    constexpr std::uint64_t kMost = std::uint64_t{1} << 63U;
    return call_python(object.attr("integers"), py::make_tuple(kMost)).cast<std::uint64_t>();
  }
  return to_count(object, "seed");
}

double to_number(py::handle object, const char* name) {
  const auto number = py::isinstance<py::str>(object) || PyBytes_Check(object.ptr()) != 0
                          ? py::object()
                          : py::reinterpret_steal<py::object>(PyNumber_Float(object.ptr()));
  if (!number) {
    PyErr_Clear();
    wrong_type(name, "a number", object);
  }
  return PyFloat_AsDouble(number.ptr());
}

std::uint64_t to_count(py::handle object, const char* name) {
  const auto index = py::reinterpret_steal<py::object>(PyNumber_Index(object.ptr()));
  if (!index) {
    PyErr_Clear();
    wrong_type(name, "an integer", object);
  }
  const std::uint64_t value = PyLong_AsUnsignedLongLong(index.ptr());
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    throw py::value_error(std::string(name) + " must be at least 0 and below 2**64, got " +
                          std::string(py::str(index)));
  }
  return value;
}

int to_threads(const OptionalInt& num_threads) {
  if (num_threads.is_none()) {
    return 0;
  }
  const std::uint64_t n = to_count(num_threads, "num_threads");
  if (n < 1) {
    throw py::value_error("num_threads must be at least 1, got 0");
  }
  return static_cast<int>(std::min<std::uint64_t>(n, static_cast<std::uint64_t>(max_num_threads())));
}

std::optional<std::size_t> to_shards(const OptionalInt& shards) {
  return shards.is_none() ? std::nullopt : std::optional<std::size_t>(to_count(shards, "shards"));
}

std::map<std::string, std::string> to_metadata(const OptionalStrings& object) {
  std::map<std::string, std::string> metadata;
  if (object.is_none()) {
    return metadata;
  }
  if (!py::isinstance<py::dict>(object)) {
    throw py::type_error("metadata must be a dict of str to str, not " + type_name(object));
  }
  for (const auto& [key, value] : py::reinterpret_borrow<py::dict>(object)) {
    std::string name = to_text(key, "a key of metadata");
    const std::string what = "metadata[" + std::string(py::repr(key)) + "]";
    metadata.emplace(std::move(name), to_text(value, what));
  }
  return metadata;
}

}  // namespace backpass::python

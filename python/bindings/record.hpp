/// Binds a plain struct of settings as a Python class. Its list of fields defines the constructor, properties, repr,
/// equality, copying and pickling. The defaults are the default values of the struct.
#pragma once

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <backpass/field.hpp>

#include "annotations.hpp"

namespace backpass::python {

// An argument of the constructor and a property, made from an entry of V's list of fields.

template <class V, class T>
struct Setting {
  using Value = T;
  Field<V, T> field;
  const char* name = field.name;
  [[nodiscard]] T get(const V& v) const { return v.*field.member; }
  void set(V& v, T value) const { v.*field.member = std::move(value); }
};
template <class V, class T>
struct SettingPair {
  using Value = std::pair<T, T>;
  FieldPair<V, T> pair;
  const char* name = pair.name;
  [[nodiscard]] Value get(const V& v) const { return {v.*pair.first.member, v.*pair.second.member}; }
  void set(V& v, const Value& value) const { std::tie(v.*pair.first.member, v.*pair.second.member) = value; }
};

template <class V, class T>
std::tuple<Setting<V, T>> settings_of(const Field<V, T>& field) {
  return {{field}};
}
template <class V, class T>
std::tuple<SettingPair<V, T>> settings_of(const FieldPair<V, T>& pair) {
  return {{pair}};
}
template <class V, class T>
std::tuple<> settings_of(const MemoryField<V, T>& /*memory*/) {
  return {};
}
/// A tuple of all settings of V.
template <class V>
auto settings_of() {
  return std::apply([](const auto&... entry) { return std::tuple_cat(settings_of(entry)...); }, fields_of<V>());
}
/// The values of all settings, as arguments of the constructor.
template <class V>
py::tuple values_of(const V& v) {
  return std::apply([&](const auto&... setting) { return py::make_tuple(setting.get(v)...); }, settings_of<V>());
}

/// The repr of a record. Example: "Huber(delta=1.0)".
inline std::string record_text(py::handle name, const std::vector<std::pair<const char*, py::object>>& values) {
  std::string text = std::string(py::str(name)) + "(";
  const char* separator = "";
  for (const auto& [key, value] : values) {
    text += std::string(separator) + key + "=" + std::string(py::repr(value));
    separator = ", ";
  }
  return text + ")";
}

/// The repr of a record with the settings of v.
template <class V>
std::string record_text(const char* class_name, const V& v) {
  return std::apply(
      [&](const auto&... setting) {
        return record_text(py::str(class_name), {{setting.name, py::cast(setting.get(v))}...});
      },
      settings_of<V>());
}

/// The docstring `doc` with an example: the repr of an object with default settings.
template <class V>
std::string with_example(const std::string& doc, const char* module, const char* class_name) {
  return doc + "\nExamples\n--------\n>>> import backpass as bp\n>>> bp." + module + "." + class_name + "()\n" +
         record_text(class_name, V()) + "\n";
}

enum class RecordKind {
  value,            ///< properties are read-only; objects compare and hash by their fields
  has_extra_state,  ///< like value, but the pickle has more than the fields: the caller defines __reduce__
  mutating          ///< properties are writable; objects compare by identity; the caller defines __reduce__
};

/// Defines on `cls`, the class of an ObjectOf<Base, V>, everything that follows from the settings of V.
/// \param class_name  name in the repr
/// \param check       throws for values out of range
/// \param kind        see RecordKind
// NOLINTBEGIN(readability-redundant-typename): Clang before 16 needs it
template <class Class, class Check, class V = typename Class::type::Value>
void def_record(Class& cls, const char* class_name, Check check, RecordKind kind) {
  using Object = typename Class::type;
  // NOLINTEND(readability-redundant-typename)
  std::apply(
      [&]<class... F>(const F&... settings) {
        const auto make = [=](typename F::Value... values) {
          V v;
          (settings.set(v, std::move(values)), ...);
          check(v);
          return Object(std::move(v));
        };
        cls.def(py::init(make), (py::arg(settings.name) = settings.get(V()))...);
      },
      settings_of<V>());

  [[maybe_unused]] const auto def_property = [&]<class F>(const F& setting) {
    const auto get = [setting](const Object& self) { return setting.get(self.get()); };
    if (kind != RecordKind::mutating) {
      cls.def_property_readonly(setting.name, get);
      return;
    }
    cls.def_property(setting.name, get, [=](Object& self, typename F::Value value) {
      // Check a new object with the same settings. A copy of the whole object would also copy the state of an
      // optimizer.
      V changed;
      std::apply([&](const auto&... each) { (each.set(changed, each.get(self.get())), ...); }, settings_of<V>());
      setting.set(changed, value);
      check(changed);
      setting.set(self.get(), std::move(value));
    });
  };
  std::apply([&](const auto&... setting) { (def_property(setting), ...); }, settings_of<V>());

  cls.def("__repr__", [=](const Object& self) { return record_text(class_name, self.get()); });
  if (kind == RecordKind::value) {
    cls.def("__reduce__", [](const py::object& self) {
      return AnyTuple(py::make_tuple(py::type::of(self), values_of<V>(self.cast<const Object&>().get())));
    });
  }
  if (kind != RecordKind::mutating) {
    cls.def(
        "__eq__",
        [](const Object& self, const py::object& other) {
          return py::isinstance<Object>(other) &&
                 values_of<V>(self.get()).equal(values_of<V>(other.cast<const Object&>().get()));
        },
        py::arg("other"));
    cls.def("__hash__",
            [=](const Object& self) { return py::hash(py::make_tuple(class_name, values_of<V>(self.get()))); });
  }
}

}  // namespace backpass::python

/// Binds plain structs of settings as Python classes. The lists of fields of the structs define the constructors, the
/// properties, repr, equality, copying and pickling. The defaults are the default values of the structs.
///
/// The structs are the alternatives of a variant, which a Base holds: LossObject, OptimizerObject or ScheduleObject.
/// Only the constructors are compiled once per struct. Everything else is compiled once per Base.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <backpass/field.hpp>

#include "objects.hpp"

namespace backpass::python {

/// A setting of type T that pybind11 converts. Property is the annotation of the Python property.
template <class T, class Annotation>
struct PlainValue {
  using Argument = T;
  using Property = Annotation;
  static py::object to_python(const T& value) { return py::cast(value); }
  static T from_python(const T& value) { return value; }
};
/// The Python side of a setting of type T: what the constructor takes and what the property returns.
template <class T>
struct PythonValue;
template <>
struct PythonValue<bool> : PlainValue<bool, py::bool_> {};
template <>
struct PythonValue<std::int64_t> : PlainValue<std::int64_t, py::int_> {};
template <>
struct PythonValue<double> : PlainValue<double, py::float_> {};
template <>
struct PythonValue<std::pair<double, double>>
    : PlainValue<std::pair<double, double>, py::typing::Tuple<py::float_, py::float_>> {};
template <>
struct PythonValue<std::shared_ptr<Schedule>> {
  using Argument = OptionalSchedule;
  using Property = OptionalSchedule;
  static py::object to_python(const std::shared_ptr<Schedule>& value) {
    return value ? from_schedule(value) : py::none();
  }
  static std::shared_ptr<Schedule> from_python(const OptionalSchedule& value) {
    const ScheduleObject* schedule = to_optional_schedule(value);
    return schedule == nullptr ? nullptr : schedule->value;
  }
};
// An argument of the constructor and a property, made from an entry of V's list of fields.

template <class V, class T>
struct Setting {
  using Value = T;
  Field<V, T> field;
  const char* name = field.name;
  [[nodiscard]] Value get(const V& v) const { return v.*field.member; }
  void set(V& v, Value value) const { v.*field.member = std::move(value); }
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
std::tuple<Setting<V, T>> settings_from(const Field<V, T>& field) {
  return {{field}};
}
template <class V, class T>
std::tuple<SettingPair<V, T>> settings_from(const FieldPair<V, T>& pair) {
  return {{pair}};
}
template <class V, class T>
std::tuple<> settings_from(const MemoryField<V, T>& /*memory*/) {
  return {};
}
/// A tuple of all settings of V.
template <class V>
auto settings_of() {
  return std::apply([](const auto&... entry) { return std::tuple_cat(settings_from(entry)...); }, fields_of<V>());
}
/// Calls f(setting) for each setting of V, in order.
template <class V, class F>
void for_each_setting(F f) {
  std::apply([&](const auto&... setting) { (f(setting), ...); }, settings_of<V>());
}

/// Names and values of settings, in the order of the constructor's arguments.
using NamedValues = std::vector<std::pair<const char*, py::object>>;

template <class V>
NamedValues named_values(const V& v) {
  NamedValues result;
  for_each_setting<V>([&]<class S>(const S& setting) {
    result.emplace_back(setting.name, PythonValue<typename S::Value>::to_python(setting.get(v)));
  });
  return result;
}
/// The arguments with which the constructor makes an equal object.
inline py::tuple arguments_of(const NamedValues& values) {
  py::tuple result(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    result[i] = values[i].second;
  }
  return result;
}
/// The repr of a record. Example: "Huber(delta=1.0)".
inline std::string record_text(py::handle class_name, const NamedValues& values) {
  std::string text = std::string(py::str(class_name)) + "(";
  const char* separator = "";
  for (const auto& [key, value] : values) {
    text += std::string(separator) + key + "=" + std::string(py::repr(value));
    separator = ", ";
  }
  return text + ")";
}
/// The docstring `doc` with an example: the repr of an object with default settings.
inline std::string with_example(const std::string& doc, const py::module_& m, const char* class_name,
                                const NamedValues& values) {
  const std::string path = py::str(m.attr("__name__"));
  return doc + "\nExamples\n--------\n>>> import backpass as bp\n>>> bp" + path.substr(path.rfind('.')) + "." +
         class_name + "()\n" + record_text(py::str(class_name), values) + "\n";
}

// The types of settings in docstrings.
inline const char* type_text(const double& /*type*/) { return "float"; }
inline const char* type_text(const std::int64_t& /*type*/) { return "int"; }
inline const char* type_text(const bool& /*type*/) { return "bool"; }
inline const char* type_text(const std::shared_ptr<Schedule>& /*type*/) { return "Schedule, optional"; }

// The entries of numpydoc's section Parameters. Example: "lr : float, finite and at least 0\n    Learning rate.\n"
template <class V, class T>
void add_parameter(std::string& text, const Field<V, T>& field) {
  text += std::string(field.name) + " : " + type_text(T());
  text += field.range == Range::any ? "" : std::string(", ") + range_text(field.range, std::is_integral_v<T>);
  text += *field.meaning == '\0' ? "\n" : std::string("\n    ") + field.meaning + "\n";
}
template <class V, class T>
void add_parameter(std::string& text, const FieldPair<V, T>& pair) {
  const std::string first = range_text(pair.first.range);
  const std::string second = range_text(pair.second.range);
  text += std::string(pair.name) + " : (float, float), " + (first == second ? first : first + " and " + second);
  text += std::string("\n    ") + pair.meaning + "\n";
}
template <class V, class T>
void add_parameter(std::string& /*text*/, const MemoryField<V, T>& /*memory*/) {}

/// The docstring of V's class: its definition, its settings, and an example.
template <class V>
std::string class_doc(const py::module_& m, const char* class_name) {
  std::string text = std::string(V::definition) + "\n";
  if constexpr (requires { V::fields(); }) {
    text += "\nParameters\n----------\n";
    std::apply([&](const auto&... entry) { (add_parameter(text, entry), ...); }, fields_of<V>());
  }
  return with_example(text, m, class_name, named_values(V()));
}

/// Calls f<V>() for every alternative V of a variant, in order.
template <class Variant, class F>
void for_each_alternative(F f) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (f.template operator()<std::variant_alternative_t<I, Variant>>(), ...);
  }(std::make_index_sequence<std::variant_size_v<Variant>>());
}
/// The common functions of the classes that are derived from Base. kind() decides the class of an object. settings()
/// returns its settings. A Base without variant() has a specialisation of Record.
template <class Base>
struct Record {
  static std::size_t kind(const Base& self) noexcept { return self.variant().index(); }
  static NamedValues settings(const Base& self) {
    return std::visit([](const auto& v) { return named_values(v); }, self.variant());
  }
};
/// Defines repr on the class of Base.
template <class Class>
void def_repr(Class& cls) {
  using Base = typename Class::type;
  cls.def("__repr__", [](const py::object& self) {
    return record_text(py::type::of(self).attr("__name__"), Record<Base>::settings(self.cast<const Base&>()));
  });
}
/// Defines equality, hash and pickling by the settings on the class of Base.
template <class Class>
void def_value_methods(Class& cls) {
  using Base = typename Class::type;
  cls.def(
         "__eq__",
         [](const Base& self, const py::object& other) {
           if (!py::isinstance<Base>(other)) {
             return false;
           }
           const auto& base = other.cast<const Base&>();
           return Record<Base>::kind(self) == Record<Base>::kind(base) &&
                  arguments_of(Record<Base>::settings(self)).equal(arguments_of(Record<Base>::settings(base)));
         },
         py::arg("other"))
      .def("__hash__",
           [](const Base& self) {
             return py::hash(py::make_tuple(Record<Base>::kind(self), arguments_of(Record<Base>::settings(self))));
           })
      .def("__reduce__", [](const py::object& self) {
        return AnyTuple(
            py::make_tuple(py::type::of(self), arguments_of(Record<Base>::settings(self.cast<const Base&>()))));
      });
}

/// Defines the constructor of `cls`, the class of an ObjectOf<Base, V>, with one argument per setting of V.
template <class Class>
void def_init(Class& cls) {
  using Object = typename Class::type;
  using V = typename Object::Value;
  std::apply(
      [&]<class... S>(const S&... setting) {
        const auto make = [=](const typename PythonValue<typename S::Value>::Argument&... arguments) {
          V v;
          (setting.set(v, PythonValue<typename S::Value>::from_python(arguments)), ...);
          Object object(std::move(v));
          validate(object.variant());
          return object;
        };
        cls.def(py::init(make),
                (py::arg(setting.name) = PythonValue<typename S::Value>::to_python(setting.get(V())))...);
      },
      settings_of<V>());
}

/// Defines a property of `cls` for each setting. It is read-only unless `setter` is given.
/// \param setter  setter(self, name, value) changes a setting; value has the type of the setting
template <class Class, class... Setter>
void def_properties(Class& cls, Setter... setter) {
  using Base = typename Class::type::Base;
  for_each_setting<typename Class::type::Value>([&]<class S>(const S& setting) {
    using Value = typename S::Value;
    const char* name = setting.name;
    const auto get = [setting](const Base& self) {
      const auto& v = std::get<typename Class::type::Value>(self.variant());
      return py::reinterpret_borrow<typename PythonValue<Value>::Property>(
          PythonValue<Value>::to_python(setting.get(v)));
    };
    if constexpr (sizeof...(Setter) == 0) {
      cls.def_property_readonly(name, get);
    } else {
      cls.def_property(name, get, [=](Base& self, const Value& value) { (setter(self, name, value), ...); });
    }
  });
}

}  // namespace backpass::python

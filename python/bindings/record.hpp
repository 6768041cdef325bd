/// Binds a plain struct of settings as a Python class. One list of fields defines the constructor, properties, repr,
/// equality, copying and pickling. The defaults are the default values of the struct.
#pragma once

#include <string>
#include <tuple>
#include <utility>

#include "annotations.hpp"

namespace backpass::python {

/// One field of a struct V: an argument of the constructor and a property.
template <class V, class T>
struct Field {
  using Value = T;
  const char* name;
  T (*get)(const V&);
  void (*set)(V&, T);
};

namespace detail {
template <class V, class T>
V owner_of(T V::*);
template <class V, class T>
T value_of(T V::*);
}  // namespace detail

/// A field for one member of the struct.
template <auto Member>
constexpr auto field(const char* name) {
  using V = decltype(detail::owner_of(Member));
  using T = decltype(detail::value_of(Member));
  return Field<V, T>{name, [](const V& v) { return v.*Member; }, [](V& v, T value) { v.*Member = std::move(value); }};
}
/// A field for two members of the struct: a tuple, like PyTorch's betas.
template <auto First, auto Second>
constexpr auto pair_field(const char* name) {
  using V = decltype(detail::owner_of(First));
  using T = std::pair<double, double>;
  return Field<V, T>{name, [](const V& v) { return T(v.*First, v.*Second); },
                     [](V& v, T value) { std::tie(v.*First, v.*Second) = value; }};
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

/// The docstring `doc` with an example: the repr of an object with default settings.
template <class V, class... T>
std::string with_example(const std::string& doc, const char* module, const char* class_name, Field<V, T>... fields) {
  [[maybe_unused]] const V standard;
  return doc + "\nExamples\n--------\n>>> import backpass as bp\n>>> bp." + module + "." + class_name + "()\n" +
         record_text(py::str(class_name), {{fields.name, py::cast(fields.get(standard))}...}) + "\n";
}

enum class RecordKind {
  value,            ///< properties are read-only; objects compare and hash by their fields
  has_extra_state,  ///< like value, but the pickle has more than the fields: the caller defines __reduce__
  mutating          ///< properties are writable; objects compare by identity; the caller defines __reduce__
};

/// Defines on `cls`, the class of an ObjectOf<Base, V>, everything that follows from the fields of V.
/// \param class_name  name in the repr
/// \param check       throws for values out of range
/// \param kind        see RecordKind
// NOLINTBEGIN(readability-redundant-typename): Clang before 16 needs it
template <class Class, class Check, class... T, class V = typename Class::type::Value>
void def_record(Class& cls, const char* class_name, Check check, RecordKind kind, Field<V, T>... fields) {
  using Object = typename Class::type;
  // NOLINTEND(readability-redundant-typename)
  const auto make = [=](T... values) {
    V v;
    (fields.set(v, std::move(values)), ...);
    check(v);
    return Object(std::move(v));
  };
  cls.def(py::init(make), (py::arg(fields.name) = fields.get(V()))...);

  [[maybe_unused]] const auto def_property = [&]<class F>(const Field<V, F>& field) {
    const auto get = [field](const Object& self) { return field.get(self.get()); };
    if (kind != RecordKind::mutating) {
      cls.def_property_readonly(field.name, get);
      return;
    }
    cls.def_property(field.name, get, [=](Object& self, F value) {
      // Check a new object with the same fields. A copy of the whole object would also copy the state of an optimizer.
      V changed;
      (fields.set(changed, fields.get(self.get())), ...);
      field.set(changed, value);
      check(changed);
      field.set(self.get(), std::move(value));
    });
  };
  (def_property(fields), ...);

  cls.def("__repr__", [=](const Object& self) {
    return record_text(py::str(class_name), {{fields.name, py::cast(fields.get(self.get()))}...});
  });
  if (kind == RecordKind::value) {
    cls.def("__reduce__", [=](const py::object& self) {
      const auto& v = self.cast<const Object&>().get();
      return AnyTuple(py::make_tuple(py::type::of(self), py::make_tuple(fields.get(v)...)));
    });
  }
  if (kind != RecordKind::mutating) {
    const auto key = [=](const Object& self) { return py::make_tuple(fields.get(self.get())...); };
    cls.def(
        "__eq__",
        [=](const Object& self, const py::object& other) {
          return py::isinstance<Object>(other) && key(self).equal(key(other.cast<const Object&>()));
        },
        py::arg("other"));
    cls.def("__hash__", [=](const Object& self) { return py::hash(py::make_tuple(class_name, key(self))); });
  }
}

}  // namespace backpass::python

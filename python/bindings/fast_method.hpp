/// Fast calls of Network's methods. The work on a small network may take less time than a call through pybind11, which
/// creates, interns and looks up a string for every parameter of every call.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "any_network.hpp"

namespace backpass::python {

/// A keyword-only parameter. It is required if `fallback` is empty.
struct Keyword {
  const char* name;
  py::object fallback = py::object();
};

/// Replaces a method of Network that pybind11 has defined. Common calls run here. All other calls go to pybind11's
/// method: unusual calls, and wrong calls, for which pybind11 has the error messages.
template <auto kFunction>
class FastMethod;

template <class Result, class Net, class... Args, Result (*kFunction)(Net&, Args...)>
class FastMethod<kFunction> {
 public:
  static void install(NetworkClass& cls, const char* name, const std::vector<const char*>& positional,
                      std::vector<Keyword> keywords) {
    original = py::reinterpret_borrow<py::object>(PyInstanceMethod_GET_FUNCTION(cls.attr("__dict__")[name].ptr()))
                   .release()
                   .ptr();
    method_name = name;
    documentation = text_signature(positional, keywords) + py::cast<std::string>(cls.attr(name).attr("__doc__"));
    num_positional = positional.size();
    for (std::size_t i = 0; i < keywords.size(); ++i) {
      parameter_names[num_positional + i] = PyUnicode_InternFromString(keywords[i].name);
      defaults[num_positional + i] = keywords[i].fallback.release().ptr();
    }
    definition = {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&call)),
                  METH_FASTCALL | METH_KEYWORDS, documentation.c_str()};
    PyObject* method = PyDescr_NewMethod(reinterpret_cast<PyTypeObject*>(cls.ptr()), &definition);
    if (method == nullptr) {          // GCOVR_EXCL_LINE: only if the import has no memory
      throw py::error_already_set();  // GCOVR_EXCL_LINE
    }
    cls.attr(name) = py::reinterpret_steal<py::object>(method);
  }

 private:
  static constexpr std::size_t kSize = sizeof...(Args);
  using Values = std::tuple<std::remove_cvref_t<Args>...>;

  /// The start of a docstring from which inspect.signature makes a signature: "name($self, x, *, out=None)\n--\n\n".
  static std::string text_signature(const std::vector<const char*>& positional, const std::vector<Keyword>& keywords) {
    std::string text = std::string(method_name) + "($self";
    for (const char* name : positional) {
      text += std::string(", ") + name;
    }
    text += ", *";
    for (const Keyword& keyword : keywords) {
      text += std::string(", ") + keyword.name;
      text += keyword.fallback ? "=" + std::string(py::repr(keyword.fallback)) : "";
    }
    return text + ")\n--\n\n";
  }

  static PyObject* call(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) noexcept {
    const auto* instance = reinterpret_cast<py::detail::instance*>(self);
    std::array<PyObject*, kSize> given = defaults;
    Values values;
    if (!instance->simple_layout || instance->simple_value_holder[0] == nullptr ||
        !match(args, static_cast<std::size_t>(count), names, given) || !load(given, values, kIndices)) {
      return call_slow(self, args, count, names);
    }
    try {
      auto& network = *static_cast<Net*>(instance->simple_value_holder[0]);
      return hold_at_exit(
          [&] { return std::apply([&](const auto&... value) { return result_of(network, value...); }, values); });
    } catch (py::error_already_set& error) {
      error.restore();
    } catch (...) {
      py::detail::try_translate_exceptions();
    }
    return nullptr;
  }

  template <class... Value>
  static PyObject* result_of(Net& network, const Value&... values) {
    if constexpr (std::is_void_v<Result>) {
      kFunction(network, values...);
      return py::none().release().ptr();
    } else if constexpr (std::is_base_of_v<py::object, Result>) {
      return kFunction(network, values...).release().ptr();
    } else {
      return py::cast(kFunction(network, values...)).release().ptr();
    }
  }

  /// Stores every argument at the index of its parameter in `given`. Compares keyword names by address, because Python
  /// interns the names in source code. \returns false for any other call
  static bool match(PyObject* const* args, std::size_t count, PyObject* names,
                    std::array<PyObject*, kSize>& given) noexcept {
    if (count != num_positional) {
      return false;
    }
    for (std::size_t i = 0; i < count; ++i) {
      given[i] = args[i];
    }
    const auto named = names == nullptr ? 0 : static_cast<std::size_t>(PyTuple_GET_SIZE(names));
    for (std::size_t i = 0; i < named; ++i) {
      std::size_t at = num_positional;
      while (at < kSize && parameter_names[at] != PyTuple_GET_ITEM(names, static_cast<Py_ssize_t>(i))) {
        ++at;
      }
      if (at == kSize) {
        return false;
      }
      given[at] = args[count + i];
    }
    for (const PyObject* argument : given) {
      if (argument == nullptr) {
        return false;
      }
    }
    return true;
  }

  static constexpr auto kIndices = std::index_sequence_for<Args...>();
  template <std::size_t... I>
  static bool load(const std::array<PyObject*, kSize>& given, Values& values,
                   std::index_sequence<I...> /*all*/) noexcept {
    return (load_one(given[I], std::get<I>(values)) && ...);
  }
  template <class Value>
  static bool load_one(PyObject* object, Value& value) noexcept {
    if constexpr (std::is_base_of_v<py::object, Value>) {
      value = py::reinterpret_borrow<Value>(object);
      return true;
    } else if constexpr (std::is_same_v<Value, double>) {
      value = PyFloat_CheckExact(object) != 0 ? PyFloat_AS_DOUBLE(object) : 0.0;
      return PyFloat_CheckExact(object) != 0;
    } else {
      static_assert(std::is_same_v<Value, bool>);
      value = object == Py_True;
      return object == Py_True || object == Py_False;
    }
  }

  static PyObject* call_slow(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) noexcept {
    const Py_ssize_t named = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
    try {
      std::vector<PyObject*> all{self};
      all.insert(all.end(), args, args + count + named);
      PyObject* const result = hold_at_exit(
          [&] { return PyObject_Vectorcall(original, all.data(), static_cast<std::size_t>(count + 1), names); });
      if (result == nullptr && PyErr_ExceptionMatches(PyExc_TypeError) != 0) {
        explain(all, names);
      }
      return result;
    } catch (const std::bad_alloc&) {
      return PyErr_NoMemory();  // GCOVR_EXCL_LINE: no test can make exactly this allocation fail
    } catch (py::error_already_set& error) {
      error.restore();
      return nullptr;
    }
  }

  /// Replaces pybind11's error for arguments that do not fit by a shorter one.
  /// \param all    the arguments with self, keyword arguments last
  /// \param names  of the keyword arguments; null if there are none
  static void explain(const std::vector<PyObject*>& all, PyObject* names) {
    py::error_already_set error;
    const std::string message = py::str(error.value());
    if (message.find("incompatible function arguments. The following") ==
        std::string::npos) {  // an error of the function, or of a user's function
      error.restore();
      return;
    }
    const std::size_t named = names == nullptr ? 0 : static_cast<std::size_t>(PyTuple_GET_SIZE(names));
    const std::size_t count = all.size() - named;
    py::tuple args(count);
    py::dict kwargs;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto argument = py::reinterpret_borrow<py::object>(all[i]);
      if (i < count) {
        args[i] = argument;
      } else {
        kwargs[PyTuple_GET_ITEM(names, static_cast<Py_ssize_t>(i - count))] = argument;
      }
    }
    const py::object text = call_python(py::module_::import("backpass._signatures").attr("explain"),
                                        py::make_tuple(error.value(), py::handle(original), method_name, args, kwargs));
    PyErr_SetObject(PyExc_TypeError, text.ptr());
  }

  // Created once, and never freed, because Python may call the method until the process ends.
  static inline PyObject* original = nullptr;
  static inline const char* method_name = nullptr;
  static inline std::string documentation;
  static inline PyMethodDef definition{};
  static inline std::size_t num_positional = 0;
  static inline std::array<PyObject*, kSize> parameter_names{};
  static inline std::array<PyObject*, kSize> defaults{};
};

}  // namespace backpass::python

/// \file field.hpp
/// The settings of a struct as a list. The checks of their values, their form in files and the classes in Python are
/// made from this list. A struct without settings has no list.
#pragma once

#include <tuple>
#include <utility>

namespace backpass {

/// The values that a setting may have. Integers are always finite.
enum class Range : unsigned char {
  any,  ///< also NaN and infinity
  finite,
  non_negative,     ///< finite and ≥ 0
  positive,         ///< finite and > 0; an integer ≥ 1
  above_one,        ///< finite and > 1
  from_0_to_1,      ///< [0, 1]
  from_0_below_1,   ///< [0, 1)
  between_0_and_1,  ///< (0, 1)
};

/// The words of messages and documentation: "finite and at least 0".
/// \param integer  whether the value is an integer
[[nodiscard]] constexpr const char* range_text(Range range, bool integer = false) noexcept {
  switch (range) {
    case Range::any:
      return "a number";
    case Range::finite:
      return "finite";
    case Range::non_negative:
      return integer ? "at least 0" : "finite and at least 0";
    case Range::positive:
      return integer ? "at least 1" : "finite and greater than 0";
    case Range::above_one:
      return "finite and greater than 1";
    case Range::from_0_to_1:
      return "in [0, 1]";
    case Range::from_0_below_1:
      return "in [0, 1)";
    case Range::between_0_and_1:
      return "in (0, 1)";
  }
  return "";
}

/// One setting: its name in files, in Python and in messages, its member, and its meaning.
template <class S, class V>
struct Field {
  const char* name;
  V S::* member;
  Range range = Range::any;
  const char* meaning = "";
  /// True: a file has the setting only if it differs from the default. So a version without the setting can read the
  /// files that do not use it.
  bool optional = false;
};
template <class S, class V>
Field(const char*, V S::*, Range, const char*, bool) -> Field<S, V>;
template <class S, class V>
Field(const char*, V S::*, Range, const char*) -> Field<S, V>;
template <class S, class V>
Field(const char*, V S::*, Range) -> Field<S, V>;
template <class S, class V>
Field(const char*, V S::*) -> Field<S, V>;

/// Two settings that are one tuple in Python, like PyTorch's betas.
template <class S, class V>
struct FieldPair {
  const char* name;  ///< in Python
  Field<S, V> first, second;
  const char* meaning = "";
};
template <class S, class V>
FieldPair(const char*, Field<S, V>, Field<S, V>, const char*) -> FieldPair<S, V>;
template <class S, class V>
FieldPair(const char*, Field<S, V>, Field<S, V>) -> FieldPair<S, V>;

/// A number that changes during the training. It is saved, but it is not an argument in Python.
template <class S, class V>
struct MemoryField {
  Field<S, V> field;
};
template <class S, class V>
MemoryField(Field<S, V>) -> MemoryField<S, V>;

/// The list of S: a tuple of Field, FieldPair and MemoryField.
template <class S>
[[nodiscard]] constexpr auto fields_of() {
  if constexpr (requires { S::fields(); }) {
    return S::fields();
  } else {
    return std::tuple{};
  }
}

namespace detail {
template <class F, class S, class V>
constexpr void visit_field(F& f, const Field<S, V>& field) {
  f(field);
}
template <class F, class S, class V>
constexpr void visit_field(F& f, const FieldPair<S, V>& pair) {
  f(pair.first);
  f(pair.second);
}
template <class F, class S, class V>
constexpr void visit_field(F& f, const MemoryField<S, V>& memory) {
  f(memory.field);
}
}  // namespace detail

/// Calls f(field) for each Field of S, in order.
template <class S, class F>
constexpr void for_each_field(F f) {
  std::apply([&](const auto&... entry) { (detail::visit_field(f, entry), ...); }, fields_of<S>());
}

}  // namespace backpass

/// Checks of arguments. Each throws std::invalid_argument, and all messages about a number have the same form.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include <backpass/field.hpp>

namespace backpass {

/// \throws std::invalid_argument with the message unless ok
void require(bool ok, const std::string& message);
/// \throws std::invalid_argument "owner: parameter = value, but it must be range" unless ok
void require(bool ok, std::string_view owner, std::string_view parameter, double value, std::string_view range);
/// The same exception, for a value outside the range.
[[noreturn]] void refuse(Range range, std::string_view owner, std::string_view parameter, double value);
[[noreturn]] void refuse(Range range, std::string_view owner, std::string_view parameter, std::int64_t value);

[[nodiscard]] inline bool contains(Range range, double value) noexcept {
  switch (range) {
    case Range::any:
      return true;
    case Range::finite:
      return std::isfinite(value);
    case Range::non_negative:
      return std::isfinite(value) && value >= 0.0;
    case Range::positive:
      return std::isfinite(value) && value > 0.0;
    case Range::above_one:
      return std::isfinite(value) && value > 1.0;
    case Range::from_0_to_1:
      return value >= 0.0 && value <= 1.0;
    case Range::from_0_below_1:
      return value >= 0.0 && value < 1.0;
    case Range::between_0_and_1:
      return value > 0.0 && value < 1.0;
  }
  return false;
}

/// \throws std::invalid_argument unless the value, a double or an integer, is in the range
template <class V>
void require(Range range, std::string_view owner, std::string_view parameter, V value) {
  if (!contains(range, static_cast<double>(value))) {
    refuse(range, owner, parameter, value);
  }
}

/// Checks all settings of a struct that are numbers. Every step of an optimizer does this, so the checks are inline.
template <class S>
void require_fields(const S& settings) {
  for_each_field<S>([&]<class V>(const Field<S, V>& field) {
    if constexpr (std::is_same_v<V, double>) {
      require(field.range, S::name, field.name, settings.*field.member);
    } else if constexpr (std::is_integral_v<V> && !std::is_same_v<V, bool>) {
      require(field.range, S::name, field.name, static_cast<std::int64_t>(settings.*field.member));
    }
  });
}

}  // namespace backpass

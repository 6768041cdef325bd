/// Checks of arguments. Each throws std::invalid_argument, and all messages about a number have the same form.
#pragma once

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
/// \throws the same unless the value is in the range
void require(Range range, std::string_view owner, std::string_view parameter, double value);
void require(Range range, std::string_view owner, std::string_view parameter, std::int64_t value);

/// Checks all settings of a struct that are numbers.
template <class S>
void require_fields(const S& settings) {
  for_each_field<S>([&]<class V>(const Field<S, V>& field) {
    if constexpr (std::is_same_v<V, double> || std::is_same_v<V, std::int64_t>) {
      require(field.range, S::name, field.name, settings.*field.member);
    }
  });
}

}  // namespace backpass

/// A compile-time check that the lists of fields are complete: a setting that is missing in a list would not be saved,
/// without an error.
///
/// The state of an optimizer is not a setting: optimizer_state.cpp saves and loads it.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>
#include <variant>

#include <backpass/field.hpp>
#include <backpass/optimizer.hpp>
#include <backpass/schedule.hpp>

namespace backpass::io {

template <class S>
consteval std::size_t num_fields() {
  std::size_t count = 0;
  for_each_field<S>([&](const auto& /*field*/) { ++count; });
  return count;
}

struct AnyValue {
  template <class V>
  operator V() const;  // NOLINT(google-explicit-constructor): never defined, converts to any type
};
template <class S, std::size_t... I>
consteval bool takes(std::index_sequence<I...>) {
  return requires { S{(static_cast<void>(I), AnyValue{})...}; };
}
/// The number of members of an aggregate, which is the largest number of values that can initialise it.
template <class S, std::size_t N = 0>
consteval std::size_t num_members() {
  if constexpr (takes<S>(std::make_index_sequence<N + 1>{})) {
    return num_members<S, N + 1>();
  } else {
    return N;
  }
}
template <class Variant, std::size_t kOthers>
inline constexpr bool kAllListed = false;
template <class... S, std::size_t kOthers>
inline constexpr bool kAllListed<std::variant<S...>, kOthers> =
    ((num_members<S>() == num_fields<S>() + kOthers) && ...);
static_assert(kAllListed<Optimizer, 1>, "fields() must list all members of an optimizer except its state");
static_assert(kAllListed<Schedule, 0>, "fields() must list all members of a schedule");

}  // namespace backpass::io

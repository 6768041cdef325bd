/// The names of the alternatives of a variant, and an alternative by its name.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/text.hpp"

namespace backpass {

/// short_name(V::name) of the alternatives V that I numbers.
template <class Variant, class ShortName, std::size_t... I>
[[nodiscard]] std::vector<std::string> variant_names(ShortName short_name, std::index_sequence<I...> /*alternatives*/) {
  return {short_name(std::variant_alternative_t<I, Variant>::name)...};
}

/// A default object of the alternative V with this name: V::name or short_name(V::name), by same_name().
/// \tparam I           the alternatives to search
/// \param what         what the name should be, for the message
/// \param short_name   returns a std::string
/// \throws std::invalid_argument for an unknown name; the message lists the short names
template <class Variant, class ShortName, std::size_t... I>
[[nodiscard]] Variant variant_from_name(std::string_view what, std::string_view name, ShortName short_name,
                                        std::index_sequence<I...> alternatives) {
  Variant found;
  const auto matches = [&]<class V>(std::in_place_type_t<V>) {
    if (!same_name(name, V::name) && !same_name(name, short_name(V::name))) {
      return false;
    }
    found = V{};
    return true;
  };
  if (!(matches(std::in_place_type<std::variant_alternative_t<I, Variant>>) || ...)) {
    throw std::invalid_argument(unknown_text(what, name, variant_names<Variant>(short_name, alternatives)));
  }
  return found;
}

}  // namespace backpass

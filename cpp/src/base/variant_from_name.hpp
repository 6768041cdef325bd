/// Looks an alternative of a variant up by its name.
#pragma once

#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/text.hpp"

namespace backpass {

/// A default object of the alternative V with this name: V::name, or short_name(V::name).
/// \tparam I           the alternatives to search
/// \param what         what the name should be, for the message
/// \param short_name   returns a std::string
/// \throws std::invalid_argument for an unknown name; the message lists the short names
template <class Variant, class ShortName, std::size_t... I>
[[nodiscard]] Variant variant_from_name(std::string_view what, std::string_view name, ShortName short_name,
                                        std::index_sequence<I...> /*alternatives*/) {
  Variant found;
  const auto matches = [&]<class V>(std::in_place_type_t<V>) {
    if (name != V::name && name != short_name(V::name)) {
      return false;
    }
    found = V{};
    return true;
  };
  if (!(matches(std::in_place_type<std::variant_alternative_t<I, Variant>>) || ...)) {
    const std::array known{short_name(std::variant_alternative_t<I, Variant>::name)...};
    throw std::invalid_argument(unknown_text(what, name, known));
  }
  return found;
}

}  // namespace backpass

/// The names of all members of the closed sets, so that a test does not list them.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <backpass/loss.hpp>
#include <backpass/optimizer.hpp>

namespace backpass {

/// V::name for each of the first `count` alternatives V.
template <class Variant, std::size_t count = std::variant_size_v<Variant>>
std::vector<std::string> member_names() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return std::vector<std::string>{std::string(std::variant_alternative_t<I, Variant>::name)...};
  }(std::make_index_sequence<count>());
}
inline std::vector<std::string> optimizer_names() { return member_names<Optimizer>(); }
/// Without the custom loss.
inline std::vector<std::string> loss_names() { return member_names<Loss, std::variant_size_v<Loss> - 1>(); }

}  // namespace backpass

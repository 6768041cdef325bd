/// Checks of arguments. Each throws std::invalid_argument, and all messages about a number have the same form.
#pragma once

#include <cmath>
#include <string>
#include <string_view>

namespace backpass {

/// \throws std::invalid_argument with the message unless ok
void require(bool ok, const std::string& message);
/// \throws std::invalid_argument "owner: parameter = value, but it must be range" unless ok
void require(bool ok, std::string_view owner, std::string_view parameter, double value, std::string_view range);

/// Finite and at least 0.
inline void require_non_negative(std::string_view owner, std::string_view parameter, double value) {
  require(std::isfinite(value) && value >= 0, owner, parameter, value, "finite and at least 0");
}
/// In [0, 1), like the decay of a running average.
inline void require_decay(std::string_view owner, std::string_view parameter, double value) {
  require(value >= 0 && value < 1, owner, parameter, value, "in [0, 1)");
}

}  // namespace backpass

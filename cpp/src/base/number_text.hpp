/// Numbers in messages.
#pragma once

#include <array>
#include <charconv>
#include <string>

namespace backpass {

/// The shortest decimal that reads back as the same double, with a decimal point in every locale: std::to_string and
/// printf write the locale's.
[[nodiscard]] inline std::string number_text(double value) {
  std::array<char, 32> text{};  // the longest has 24 characters
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

}  // namespace backpass

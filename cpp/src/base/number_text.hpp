/// Numbers in messages.
#pragma once

#include <array>
#include <charconv>
#include <string>

namespace backpass {

/// The shortest decimal text that reads back as the same double. It has a decimal point in every locale, unlike the
/// text of std::to_string and printf.
[[nodiscard]] inline std::string number_text(double value) {
  std::array<char, 32> text{};  // the longest text has 24 characters
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

}  // namespace backpass

/// Text from a file, made fit for an error message.
#pragma once

#include <string>
#include <string_view>

namespace backpass::io {

/// In quotes, plain ASCII, cut when long: a hostile name must neither flood a message nor make it invalid UTF-8.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// "(2, 3)" for shapes; a range of numbers.
template <class Range>
[[nodiscard]] std::string shape_text(const Range& shape) {
  std::string text = "(";
  const char* separator = "";
  for (auto extent : shape) {
    text += separator + std::to_string(extent);
    separator = ", ";
  }
  return text + ")";
}

}  // namespace backpass::io

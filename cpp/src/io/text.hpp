/// Formats text from a file for error messages.
#pragma once

#include <string>
#include <string_view>

namespace backpass::io {

/// The text in quotes. Other bytes than printable ASCII are escaped, and a long text is cut: a hostile name must not
/// flood a message or make it invalid UTF-8.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// A shape as text: "(2, 3)".
/// \param shape  a range of integers
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

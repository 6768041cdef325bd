#include "io/text.hpp"

#include <cstddef>
#include <system_error>

namespace backpass::io {

std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 60;  // half a line of a message
  constexpr char kHex[] = "0123456789abcdef";
  std::string result;
  for (char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      result += c;
    } else {
      result += {'\\', 'x', kHex[byte >> 4U], kHex[byte & 15U]};
    }
  }
  return result + (text.size() > kLongest ? "…" : "");
}

std::string in_quotes(std::string_view text) { return "'" + printable(text) + "'"; }

std::string path_text(const std::filesystem::path& path) try {
  const std::u8string text = path.u8string();
  return {text.begin(), text.end()};
} catch (const std::system_error&) {
  std::string text;
  for (const auto c : path.native()) {
    text += static_cast<unsigned>(c) < 0x80 ? static_cast<char>(c) : '?';
  }
  return text;
}

}  // namespace backpass::io

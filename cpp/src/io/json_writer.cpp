#include "io/json_writer.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "io/nlohmann.hpp"
#include "io/poll.hpp"

namespace backpass::io {

std::string json_number(double value) {
  if (std::isfinite(value)) {
    return nlohmann::json(value).dump();
  }
  return std::isnan(value) ? R"("nan")" : value > 0 ? R"("inf")" : R"("-inf")";
}

std::string json_string(std::string_view text, const char* what) {
  constexpr std::size_t kPiece = std::size_t{1} << 16U;  // limits memory: dump() makes a copy of its text
  std::string result = "\"";
  result.reserve(text.size() + 2);
  Poll poll;
  while (!text.empty()) {
    std::size_t length = std::min(text.size(), kPiece);
    for (int i = 0; i < 3 && length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U; ++i) {
      ++length;  // do not split a UTF-8 sequence
    }
    try {
      const std::string piece = nlohmann::json(text.substr(0, length)).dump();
      result.append(piece, 1, piece.size() - 2);
    } catch (const nlohmann::json::type_error&) {
      throw std::invalid_argument(std::string(what) + " must be UTF-8");
    }
    text.remove_prefix(length);
    poll.done(length);
  }
  return result += '"';
}

std::string ObjectWriter::text() const {
  std::string result;
  for (const auto& [key, value] : members_) {
    result += result.empty() ? "{\"" : ",\"";
    result += key;  // the name of a field, which needs no escape sequences
    result += "\":";
    result += value;
  }
  return result.empty() ? "{}" : result + '}';
}

}  // namespace backpass::io

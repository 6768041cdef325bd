#include "base/text.hpp"

#include <algorithm>
#include <vector>

namespace backpass {
namespace {

/// The characters that count, in lower case.
std::string plain_name(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c != '_' && c != '-' && c != ' ') {
      plain += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return plain;
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) { return a == b || plain_name(a) == plain_name(b); }

std::size_t name_distance(std::string_view a, std::string_view b) {
  const std::string from = plain_name(a);
  const std::string to = plain_name(b);
  // distance(i, j) of the first i characters of `from` and the first j of `to`.
  const std::size_t columns = to.size() + 1;
  std::vector<std::size_t> distances((from.size() + 1) * columns);
  const auto distance = [&](std::size_t i, std::size_t j) -> std::size_t& { return distances[i * columns + j]; };
  for (std::size_t i = 0; i <= from.size(); ++i) {
    for (std::size_t j = 0; j <= to.size(); ++j) {
      if (i == 0 || j == 0) {
        distance(i, j) = i + j;
        continue;
      }
      const std::size_t replaced = distance(i - 1, j - 1) + (from[i - 1] == to[j - 1] ? 0 : 1);
      distance(i, j) = std::min({distance(i - 1, j) + 1, distance(i, j - 1) + 1, replaced});
      if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) {
        distance(i, j) = std::min(distance(i, j), distance(i - 2, j - 2) + 1);
      }
    }
  }
  return distance(from.size(), to.size());
}

}  // namespace backpass

#include "base/require.hpp"

#include <stdexcept>

#include "base/text.hpp"

namespace backpass {
namespace {

const char* text_of(Range range) noexcept {
  switch (range) {
    case Range::any:
      return "a number";
    case Range::finite:
      return "finite";
    case Range::non_negative:
      return "finite and at least 0";
    case Range::positive:
      return "finite and greater than 0";
    case Range::above_one:
      return "finite and greater than 1";
    case Range::from_0_to_1:
      return "in [0, 1]";
    case Range::from_0_below_1:
      return "in [0, 1)";
    case Range::between_0_and_1:
      return "in (0, 1)";
  }
  return "";
}

[[noreturn]] void refuse(std::string_view owner, std::string_view parameter, double value, std::string_view range) {
  throw std::invalid_argument(std::string(owner) + ": " + std::string(parameter) + " = " + number_text(value) +
                              ", but it must be " + std::string(range));
}

}  // namespace

void require(bool ok, const std::string& message) {
  if (!ok) {
    throw std::invalid_argument(message);
  }
}

void require(bool ok, std::string_view owner, std::string_view parameter, double value, std::string_view range) {
  if (!ok) {
    refuse(owner, parameter, value, range);
  }
}

void refuse(Range range, std::string_view owner, std::string_view parameter, double value) {
  refuse(owner, parameter, value, text_of(range));
}

void refuse(Range range, std::string_view owner, std::string_view parameter, std::int64_t value) {
  const bool is_count = range == Range::non_negative || range == Range::positive;
  const char* least = range == Range::positive ? "at least 1" : "at least 0";
  refuse(owner, parameter, static_cast<double>(value), is_count ? least : text_of(range));
}

}  // namespace backpass

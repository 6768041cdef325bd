#include "base/require.hpp"

#include <cmath>
#include <stdexcept>

#include "base/text.hpp"

namespace backpass {
namespace {

bool contains(Range range, double value) noexcept {
  switch (range) {
    case Range::any:
      return true;
    case Range::finite:
      return std::isfinite(value);
    case Range::non_negative:
      return std::isfinite(value) && value >= 0.0;
    case Range::positive:
      return std::isfinite(value) && value > 0.0;
    case Range::above_one:
      return std::isfinite(value) && value > 1.0;
    case Range::from_0_to_1:
      return value >= 0.0 && value <= 1.0;
    case Range::from_0_below_1:
      return value >= 0.0 && value < 1.0;
    case Range::between_0_and_1:
      return value > 0.0 && value < 1.0;
  }
  return false;
}

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

}  // namespace

void require(bool ok, const std::string& message) {
  if (!ok) {
    throw std::invalid_argument(message);
  }
}

void require(bool ok, std::string_view owner, std::string_view parameter, double value, std::string_view range) {
  if (!ok) {
    throw std::invalid_argument(std::string(owner) + ": " + std::string(parameter) + " = " + number_text(value) +
                                ", but it must be " + std::string(range));
  }
}

void require(Range range, std::string_view owner, std::string_view parameter, double value) {
  require(contains(range, value), owner, parameter, value, text_of(range));
}

void require(Range range, std::string_view owner, std::string_view parameter, std::int64_t value) {
  const auto number = static_cast<double>(value);
  const char* text = range == Range::non_negative ? "at least 0"
                     : range == Range::positive   ? "at least 1"
                                                  : text_of(range);
  require(contains(range, number), owner, parameter, number, text);
}

}  // namespace backpass

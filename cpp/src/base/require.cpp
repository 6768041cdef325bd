#include "base/require.hpp"

#include <stdexcept>

#include "base/text.hpp"

namespace backpass {
namespace {

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
  refuse(owner, parameter, value, range_text(range));
}

void refuse(Range range, std::string_view owner, std::string_view parameter, std::int64_t value) {
  refuse(owner, parameter, static_cast<double>(value), range_text(range, true));
}

}  // namespace backpass

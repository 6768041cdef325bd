#include "base/require.hpp"

#include <stdexcept>

#include "base/text.hpp"

namespace backpass {

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

}  // namespace backpass

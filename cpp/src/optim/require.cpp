#include "optim/require.hpp"

#include <array>
#include <cstdio>
#include <stdexcept>
#include <string>

namespace backpass::optim {

void require(bool ok, std::string_view owner, std::string_view parameter, double value, std::string_view range) {
  if (ok) {
    return;
  }
  std::array<char, 32> number{};
  std::snprintf(number.data(), number.size(), "%.9g", value);
  throw std::invalid_argument(std::string(owner) + ": " + std::string(parameter) + " = " + number.data() +
                              ", but it must be " + std::string(range));
}

}  // namespace backpass::optim

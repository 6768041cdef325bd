#include "optim/require.hpp"

#include <stdexcept>
#include <string>

#include "base/number_text.hpp"

namespace backpass::optim {

void require(bool ok, std::string_view owner, std::string_view parameter, double value, std::string_view range) {
  if (ok) {
    return;
  }
  throw std::invalid_argument(std::string(owner) + ": " + std::string(parameter) + " = " + number_text(value) +
                              ", but it must be " + std::string(range));
}

}  // namespace backpass::optim

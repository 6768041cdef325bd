#include <backpass/error.hpp>

namespace backpass {

const char* ShapeError::what() const noexcept { return std::invalid_argument::what(); }
const char* StateError::what() const noexcept { return std::runtime_error::what(); }
const char* FileError::what() const noexcept { return std::runtime_error::what(); }
const char* FormatError::what() const noexcept { return std::runtime_error::what(); }
const char* DivergenceError::what() const noexcept { return std::runtime_error::what(); }

}  // namespace backpass

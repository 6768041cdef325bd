/// System calls that fail.
#pragma once

#include <cerrno>
#include <filesystem>

namespace backpass::io::posix {

/// \throws FileError that says what, of which file, and what the system says of the code
[[noreturn]] void fail(const char* what, const std::filesystem::path& path, int code);

/// The call again, as long as a signal interrupts it.
template <class F>
auto uninterrupted(F call) {
  auto result = call();
  while (result < 0 && errno == EINTR) {
    result = call();
  }
  return result;
}

}  // namespace backpass::io::posix

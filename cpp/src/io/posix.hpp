/// Error handling of system calls.
#pragma once

#include <cerrno>
#include <filesystem>

namespace backpass::io::posix {

/// \param what  what failed, e.g. "cannot read"
/// \param code  the errno
/// \throws FileError with `what`, the path and the system's message for the code
[[noreturn]] void fail(const char* what, const std::filesystem::path& path, int code);

/// Repeats a system call while a signal interrupts it (EINTR). \returns its result
template <class F>
auto uninterrupted(F call) {
  auto result = call();
  while (result < 0 && errno == EINTR) {
    result = call();
  }
  return result;
}

}  // namespace backpass::io::posix

/// Environment variables for tests.
#pragma once

#include <cstdlib>

namespace backpass::test {

/// Sets a variable of this process. \returns 0, or another number if it fails
inline int set_variable(const char* name, const char* value) {
#if defined(_WIN32)
  return _putenv_s(name, value);
#else
  return setenv(name, value, 1);
#endif
}

}  // namespace backpass::test

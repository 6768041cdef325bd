#include "io/failing_calls.hpp"

#if defined(BACKPASS_TEST_FAILING_CALLS)

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace {

thread_local int calls_left = -1;                  // until the failing call; negative: no call fails
thread_local const char* only_function = nullptr;  // the calls of this function alone are counted; null: all calls
thread_local int error_code = 0;
thread_local int failed_result = -1;
thread_local const char* failed = nullptr;

bool fails(const char* name) noexcept {
  if (only_function != nullptr && std::strcmp(only_function, name) != 0) {
    return false;
  }
  if (calls_left < 0 || calls_left-- > 0) {
    return false;
  }
  failed = name;
  errno = error_code;
  return true;
}

/// The function of the C library that `function` replaces.
template <class F>
F* original(F* /*function*/, const char* name) noexcept {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

// The exception specifications are those of the C library. The functions are exported, so that the C++ library calls
// them, too.
#define BACKPASS_REPLACEMENT extern "C" __attribute__((visibility("default")))
#define BACKPASS_REPLACE(result, name, parameters, arguments, specification) \
  BACKPASS_REPLACEMENT result name parameters specification {                \
    static auto* const call = original(&name, #name);                        \
    return fails(#name) ? failed_result : call arguments;                    \
  }
BACKPASS_REPLACE(int, access, (const char* path, int mode), (path, mode), __THROW)
BACKPASS_REPLACE(int, fchmod, (int file, mode_t mode), (file, mode), __THROW)
BACKPASS_REPLACE(int, fchown, (int file, uid_t user, gid_t group), (file, user, group), __THROW)
BACKPASS_REPLACE(int, flock, (int file, int operation), (file, operation), __THROW)
BACKPASS_REPLACE(int, fremovexattr, (int file, const char* key), (file, key), __THROW)
BACKPASS_REPLACE(int, fsetxattr, (int file, const char* key, const void* value, size_t size, int flags),
                 (file, key, value, size, flags), __THROW)
BACKPASS_REPLACE(int, fstat, (int file, struct stat* info), (file, info), __THROW)
BACKPASS_REPLACE(int, fsync, (int file), (file), )
BACKPASS_REPLACE(ssize_t, getxattr, (const char* path, const char* key, void* value, size_t size),
                 (path, key, value, size), __THROW)
BACKPASS_REPLACE(ssize_t, listxattr, (const char* path, char* list, size_t size), (path, list, size), __THROW)
BACKPASS_REPLACE(int, lstat, (const char* path, struct stat* info), (path, info), __THROW)
BACKPASS_REPLACE(ssize_t, pread, (int file, void* buffer, size_t size, off_t offset), (file, buffer, size, offset), )
BACKPASS_REPLACE(ssize_t, readlink, (const char* path, char* target, size_t size), (path, target, size), __THROW)
BACKPASS_REPLACE(int, rename, (const char* from, const char* to), (from, to), __THROW)
BACKPASS_REPLACE(int, stat, (const char* path, struct stat* info), (path, info), __THROW)
BACKPASS_REPLACE(int, unlink, (const char* path), (path), __THROW)
BACKPASS_REPLACE(ssize_t, write, (int file, const void* buffer, size_t size), (file, buffer, size), )
#undef BACKPASS_REPLACE

BACKPASS_REPLACEMENT int close(int file) {
  static auto* const call = original(&close, "close");
  const int result = call(file);  // Linux closes the file also if the call fails
  return fails("close") ? failed_result : result;
}

BACKPASS_REPLACEMENT int open(const char* path, int flags, ...) {
  static auto* const call = original(&open, "open");
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return fails("open") ? failed_result : call(path, flags, mode);
}

BACKPASS_REPLACEMENT int fcntl(int file, int command, ...) {
  static auto* const call = original(&fcntl, "fcntl");
  va_list arguments;
  va_start(arguments, command);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  return fails("fcntl") ? failed_result : call(file, command, argument);
}

namespace backpass::test {

FailingCall::FailingCall(int number, int code) noexcept {
  calls_left = number;
  only_function = nullptr;
  error_code = code;
  failed_result = -1;
  failed = nullptr;
}
FailingCall::FailingCall(const char* only, int code, int result) noexcept : FailingCall(0, code) {
  only_function = only;
  failed_result = result;
}
FailingCall::~FailingCall() { calls_left = -1; }
const char* FailingCall::name() const noexcept { return failed; }

}  // namespace backpass::test

#endif

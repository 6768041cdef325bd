/// System calls of this program that fail on request: the functions of the C library that the library's file code uses
/// are replaced by functions that count their calls and call the original.
#pragma once

#if defined(__linux__) && defined(__GLIBC__)
#define BACKPASS_TEST_FAILING_CALLS
#endif

namespace backpass::test {

/// While an object lives, call number `number` (from 0) of this thread sets errno to `code` and returns −1.
class FailingCall {
 public:
  FailingCall(int number, int code) noexcept;
  /// The first call of the function `only` sets errno to `code` and returns `result`.
  FailingCall(const char* only, int code, int result = -1) noexcept;
  ~FailingCall();
  FailingCall(const FailingCall&) = delete;
  FailingCall& operator=(const FailingCall&) = delete;
  /// The name of the function that failed, or null if no function failed.
  [[nodiscard]] const char* name() const noexcept;
};

}  // namespace backpass::test

/// The floating-point mode: the rounding direction, the treatment of denormals, and the exceptions that trap. The
/// library computes everything in one mode. So results depend neither on the caller's mode nor on the mode in which a
/// helper thread starts.
#pragma once

#include <cstdint>

namespace backpass {

/// The floating-point control register of the calling thread: MXCSR on x86-64, FPCR on 64-bit ARM. (The library does
/// not use the x87 unit, which has a separate register.)
struct FloatingPointRegister {
#if defined(__SSE2__)
  using Bits = std::uint32_t;
  /// Round to nearest, mask all exceptions, read (0x40) and write (0x8000) denormals as zero. A denormal costs a
  /// hundred cycles on some CPUs, and training does not use such small numbers on purpose.
  static constexpr Bits kOwn = 0x1f80 | 0x0040 | 0x8000;
  static Bits read() noexcept {
    Bits bits = 0;
    asm volatile("stmxcsr %0" : "=m"(bits));
    return bits;
  }
  static void write(Bits bits) noexcept { asm volatile("ldmxcsr %0" : : "m"(bits) : "memory"); }
#elif defined(__aarch64__)
  using Bits = std::uint64_t;
  /// Round to nearest, no traps, read and write denormals as zero (bit 24).
  static constexpr Bits kOwn = Bits{1} << 24;
  static Bits read() noexcept {
    Bits bits = 0;
    asm volatile("mrs %0, fpcr" : "=r"(bits));
    return bits;
  }
  static void write(Bits bits) noexcept { asm volatile("msr fpcr, %0" : : "r"(bits) : "memory"); }
#else
  using Bits = std::uint32_t;
  static constexpr Bits kOwn = 0;
  static Bits read() noexcept { return kOwn; }
  static void write(Bits /*bits*/) noexcept {}
#endif
};

/// The caller's mode, saved while this thread computes in the library's mode.
struct CallersMode {
  FloatingPointRegister::Bits bits = 0;
  bool known = false;
};
inline constinit thread_local CallersMode callers_mode;

/// While an object lives, this thread computes in the library's mode. The destructor restores the caller's mode,
/// including the exception flags. A nested object does nothing.
///
/// A compiler does not know that arithmetic depends on the mode, and may move arithmetic out of the scope. It does not
/// move calls of functions that it cannot see into, so the scope must contain only such calls. in_own_mode() makes such
/// a call.
class FloatingPointMode {
 public:
  FloatingPointMode() noexcept : outermost_(!callers_mode.known) {
    if (outermost_) {
      callers_mode = {FloatingPointRegister::read(), true};
      FloatingPointRegister::write(FloatingPointRegister::kOwn);
    }
  }
  ~FloatingPointMode() {
    if (outermost_) {
      callers_mode.known = false;
      FloatingPointRegister::write(callers_mode.bits);
    }
  }
  FloatingPointMode(const FloatingPointMode&) = delete;
  FloatingPointMode& operator=(const FloatingPointMode&) = delete;

 private:
  bool outermost_;
};

/// The inverse: while an object lives, this thread computes in the mode that the outermost FloatingPointMode found. For
/// calls of user functions during a computation.
class CallersFloatingPointMode {
 public:
  CallersFloatingPointMode() noexcept : caller_(callers_mode) {
    if (caller_.known) {
      FloatingPointRegister::write(caller_.bits);
      callers_mode.known = false;  // library calls inside the user's function have that function as their caller
    }
  }
  ~CallersFloatingPointMode() {
    if (caller_.known) {
      callers_mode = caller_;
      FloatingPointRegister::write(FloatingPointRegister::kOwn);
    }
  }
  CallersFloatingPointMode(const CallersFloatingPointMode&) = delete;
  CallersFloatingPointMode& operator=(const CallersFloatingPointMode&) = delete;

 private:
  CallersMode caller_;
};

/// Calls f(). The compiler does not inline the call, and uses no knowledge about f at the call.
template <class F>
#if defined(__clang__)
[[gnu::noinline]]
#else
[[gnu::noipa]]
#endif
auto call_unseen(const F& f) {
  return f();
}

/// Computes f() in the library's mode. f must hold all its inputs by reference.
template <class F>
auto in_own_mode(const F& f) {
  const FloatingPointMode mode;
  return call_unseen(f);
}

/// Calls a user's function in the caller's mode.
template <class F, class... Args>
auto in_callers_mode(const F& f, const Args&... args) {
  const CallersFloatingPointMode mode;
  return f(args...);
}

}  // namespace backpass

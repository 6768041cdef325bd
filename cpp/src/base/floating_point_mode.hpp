/// The rounding direction, what becomes of denormal numbers, and which exceptions trap: one mode for all that the
/// library computes, so that results depend neither on the caller's mode nor on the one that a helper thread started
/// with.
#pragma once

#include <cstdint>

namespace backpass {

/// The control register of the calling thread: MXCSR on x86-64, FPCR on 64-bit ARM. (Nothing here uses the x87 unit,
/// which has a register of its own.)
struct FloatingPointRegister {
#if defined(__SSE2__)
  using Bits = std::uint32_t;
  /// Round to nearest, all exceptions masked, denormals read (0x40) and written (0x8000) as zero: they cost a hundred
  /// cycles each on some CPUs, and nothing in training is that small on purpose.
  static constexpr Bits kOwn = 0x1f80 | 0x0040 | 0x8000;
  static Bits read() noexcept {
    Bits bits = 0;
    asm volatile("stmxcsr %0" : "=m"(bits));
    return bits;
  }
  static void write(Bits bits) noexcept { asm volatile("ldmxcsr %0" : : "m"(bits) : "memory"); }
#elif defined(__aarch64__)
  using Bits = std::uint64_t;
  /// Round to nearest, no traps, denormals read and written as zero (bit 24).
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

/// The caller's mode, while this thread computes in the library's.
struct CallersMode {
  FloatingPointRegister::Bits bits = 0;
  bool known = false;
};
inline constinit thread_local CallersMode callers_mode;

/// While it lives, this thread computes in the library's mode. Then the caller's is back, exception flags included. One
/// inside another does nothing.
///
/// A compiler does not know that arithmetic depends on the mode, and may move arithmetic out of the scope. It does not
/// move calls of functions that it cannot see into: the scope is to hold such calls alone. in_own_mode() makes one.
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

/// The inverse: while it lives, this thread computes in the mode that the outermost FloatingPointMode found. For calls
/// of a user's function in the middle of a computation.
class CallersFloatingPointMode {
 public:
  CallersFloatingPointMode() noexcept : caller_(callers_mode) {
    if (caller_.known) {
      FloatingPointRegister::write(caller_.bits);
      callers_mode.known = false;  // for what the function calls of this library, the function is the caller
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

/// A call that the compiler does not see into.
template <class F>
#if defined(__clang__)
[[gnu::noinline]]
#else
[[gnu::noipa]]
#endif
auto call_unseen(const F& f) {
  return f();
}

/// Computes f(), which takes all that it needs by reference, in the library's mode.
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

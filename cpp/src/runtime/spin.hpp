/// Waiting for another thread: spinning while that is likely to be short.
#pragma once

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace backpass::runtime {

/// Tells the core that a loop waits for memory to change.
inline void relax() noexcept {
#if defined(__SSE2__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Spins until done() for about tens of microseconds, then goes on with sleep(), which may return early.
template <class Done, class Sleep>
void spin_then(Done done, Sleep sleep) {
  constexpr int kSpins = 2000;
  for (int spins = 0; !done(); ++spins) {
    if (spins < kSpins) {
      relax();
    } else {
      sleep();
    }
  }
}

}  // namespace backpass::runtime

/// Waiting for another thread: by spinning, while the wait is likely to be short.
#pragma once

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace backpass::runtime {

/// Tells the core that a loop is waiting for memory to change.
inline void relax() noexcept {
#if defined(__SSE2__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Returns when done() is true. Spins first, then calls sleep(), which may return early.
template <class Done, class Sleep>
void spin_then(Done done, Sleep sleep) {
  // On x86-64 relax() takes 10 to 50 ns, so 2000 spins take 20 to 100 µs: about as long as waking from a sleep (50 µs).
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

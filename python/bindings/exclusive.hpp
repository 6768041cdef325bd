/// One call at a time on what is not to be used by two: the GIL does not see to it, since it is released.
#pragma once

#include <pthread.h>

#include <atomic>
#include <mutex>
#include <thread>

#include <backpass/error.hpp>

#include "gil.hpp"

namespace backpass::python {

/// Counts the forks between the first process and this one.
inline std::atomic<unsigned> forks = 0;
/// To be called once, before the first gate is used.
inline void count_forks() {
  pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
}

/// Belongs to a network or an optimizer.
class Gate {
 public:
  Gate() = default;
  // A copy or a moved object is a new one, which nobody uses yet.
  Gate(const Gate& /*other*/) noexcept {}
  Gate& operator=(const Gate& /*other*/) noexcept { return *this; }
  ~Gate() = default;

 private:
  friend class Exclusive;
  friend class Reentry;
  std::mutex mutex_;
  std::atomic<std::thread::id> owner_;
  std::atomic<unsigned> forks_ = 0;  // when it was entered
  // Only the owning thread looks at it.
  bool open_ = false;
};

/// Holds a gate for the length of a call; waits for another thread's call, without the GIL. Make it with the GIL held.
class Exclusive {
 public:
  /// \throws StateError when this thread is inside such a call already: a Custom function called the network it is part
  /// of
  explicit Exclusive(Gate& gate) : gate_(gate) {
    if (gate.owner_.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
      if (!gate.open_) {
        throw StateError(
            "a function that is called in the middle of a step cannot use the network or the optimizer of that step");
      }
      return;
    }
    if (!gate.mutex_.try_lock()) {
      // The thread that holds it stayed in the parent: nobody will ever leave.
      if (gate.forks_.load(std::memory_order_relaxed) != forks.load(std::memory_order_relaxed)) {
        throw StateError(
            "another thread was changing the network or the optimizer when this process was forked: copy it before");
      }
      const GilPause pause;
      gate.mutex_.lock();
    }
    gate.owner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    gate.forks_.store(forks.load(std::memory_order_relaxed), std::memory_order_relaxed);
    held_ = true;
  }
  ~Exclusive() {
    if (held_) {
      gate_.owner_.store(std::thread::id(), std::memory_order_relaxed);
      gate_.mutex_.unlock();
    }
  }
  Exclusive(const Exclusive&) = delete;
  Exclusive& operator=(const Exclusive&) = delete;

 private:
  Gate& gate_;
  bool held_ = false;
};

/// Between two steps, a callback on the owning thread may use what fit holds.
class Reentry {
 public:
  explicit Reentry(Gate& gate) noexcept : gate_(gate), before_(gate.open_) { gate.open_ = true; }
  ~Reentry() { gate_.open_ = before_; }
  Reentry(const Reentry&) = delete;
  Reentry& operator=(const Reentry&) = delete;

 private:
  Gate& gate_;
  bool before_;
};

}  // namespace backpass::python

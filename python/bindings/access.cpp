#include "access.hpp"

#if !defined(_WIN32)
#include <pthread.h>
#endif

#include <backpass/error.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>

namespace backpass::python {
namespace {

using Clock = std::chrono::steady_clock;
/// Interval at which a waiting call checks for signals and for reasons to give up.
constexpr std::chrono::milliseconds kLook{20};
/// How long a call waits for one Python function of another thread's call.
constexpr std::chrono::seconds kFunctionLimit{1};

bool interpreter_ends() noexcept {
#if PY_VERSION_HEX >= 0x030D0000
  return Py_IsFinalizing() != 0;
#else
  return _Py_IsFinalizing() != 0;
#endif
}

[[noreturn]] void refuse_during_fit() {
  throw StateError(
      "fit uses the network or the optimizer on another thread: until fit ends, this thread may only make calls that "
      "change nothing (predict, evaluate, copy, save)");
}

}  // namespace

/// A call that waits for its turn.
class Waiting {
 public:
  enum class For : std::uint8_t {
    turn,    ///< to enter the gate
    readers  ///< a fit that has paused waits for all readers to leave
  };

  Waiting(Gate& gate, Use use, For what) : gate_(gate), use_(use), for_(what), queue_(queue()) {
    const std::lock_guard lock(queue_->mutex);
    // A call that waits for readers already holds the gate, so it goes before all calls that wait to enter.
    queue_->calls.insert(what == For::readers ? queue_->calls.begin() : queue_->calls.end(), this);
    ++gate.waiting_;
  }
  ~Waiting() {
    if (!granted_ && queue_->forks == forks) {
      const std::lock_guard lock(queue_->mutex);
      remove();
    }
    admit(gate_);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  /// Waits without the GIL. \throws StateError if the wait might not end; what a signal handler throws
  void wait() {
    admit(gate_);
    try {
      while (!sleep()) {
        check_signals();
        refuse_endless_wait();
      }
    } catch (...) {
      if (granted_ && for_ == For::turn) {  // granted while a signal handler ran
        gate_.leave(use_);
      }
      throw;
    }
  }

  /// Admits the waiting calls whose turn it is. Needs the GIL.
  static void admit(Gate& gate) noexcept {
    Queue& queue = *Waiting::queue();
    const std::lock_guard lock(queue.mutex);
    for (auto next = queue.calls.begin(); next != queue.calls.end();) {
      Waiting& call = **next++;
      if (&call.gate_ != &gate) {
        continue;
      }
      if (call.for_ == For::readers ? gate.has_readers() : !gate.try_enter(call.use_)) {
        break;
      }
      call.granted_ = true;
      call.remove();
      call.signal_.notify_one();
    }
  }

 private:
  /// All waiting calls, in the order of their arrival. They sleep without the GIL, so a mutex protects the queue.
  struct Queue {
    std::uint32_t forks = python::forks;
    std::mutex mutex;
    std::list<Waiting*> calls;
  };
  /// Needs the GIL. A forked child creates a new queue: the waiting threads do not exist in the child, and one of them
  /// may have held the mutex at the fork.
  static Queue* queue() {
    static Queue* queue = new Queue;
    if (queue->forks != forks) {
      queue = new Queue;
    }
    return queue;
  }

  void remove() noexcept {
    queue_->calls.remove(this);
    --gate_.waiting_;
  }

  /// \returns whether the call may enter
  bool sleep() {
    const GilPause pause;
    std::unique_lock lock(queue_->mutex);
    return signal_.wait_for(lock, kLook, [this] { return granted_; });
  }

  void refuse_endless_wait() {
    if (granted_) {
      return;
    }
    if (queue_->forks != forks) {
      throw StateError("a signal handler forked this process while a call was waiting for another thread");
    }
    if (interpreter_ends()) {
      throw StateError("the interpreter is shutting down while another thread uses the network or the optimizer");
    }
    if (for_ == For::turn && use_ != Use::read && gate_.is_fit()) {
      refuse_during_fit();
    }
    const auto now = Clock::now();
    const std::uint32_t call = gate_.python_calls_;
    if (gate_.python_functions_ == 0 || call != call_) {
      call_ = call;
      since_ = now;
    } else if (now - since_ > kFunctionLimit) {
      throw StateError(
          "another thread uses the network or the optimizer and is inside a Python function that does not return: this "
          "function may be waiting for the current call");
    }
  }

  Gate& gate_;
  Use use_;
  For for_;
  Queue* queue_;
  bool granted_ = false;
  std::condition_variable signal_;
  std::uint32_t call_ = 0;
  Clock::time_point since_ = Clock::now();
};

void count_forks() {
#if !defined(_WIN32)
  pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
#endif
}

void Access::enter_slowly() {
  if (gate_.forks_ != forks) {
    after_fork();
  }
  for (const Access* access = outer_; access != nullptr; access = access->outer_) {
    if (&access->gate_ == &gate_) {
      enter_nested(*access);
      return;
    }
  }
  if (use_ != Use::read && gate_.is_fit()) {
    refuse_during_fit();
  }
  if (gate_.waiting_ == 0 && gate_.try_enter(use_)) {
    return;
  }
  Waiting(gate_, use_, Waiting::For::turn).wait();
}

void Access::enter_nested(const Access& holder) {
  if (!holder.paused_) {
    throw StateError(
        "a function that is called in the middle of a step cannot use the network or the optimizer of that step");
  }
  if (use_ == Use::read) {
    gate_.set_state(gate_.state() + Gate::kReader);
  } else {
    gate_.set_state(gate_.state() & ~Gate::kPaused);
    if (gate_.has_readers()) {
      try {
        Waiting(gate_, use_, Waiting::For::readers).wait();
      } catch (...) {
        gate_.set_state(gate_.state() | Gate::kPaused);
        throw;
      }
    }
  }
  nested_ = true;
}

void Access::admit_waiting() noexcept { Waiting::admit(gate_); }

void Access::pause() {
  paused_ = true;
  gate_.set_state(gate_.state() | Gate::kPaused);
  if (gate_.waiting_ != 0) {
    admit_waiting();
  }
}

void Access::resume() {
  paused_ = false;
  gate_.set_state(gate_.state() & ~Gate::kPaused);
  if (gate_.has_readers()) {
    Waiting(gate_, use_, Waiting::For::readers).wait();
  }
}

void AccessGroup::enter(std::vector<Gate*> gates, Use use) {
  std::sort(gates.begin(), gates.end(), std::less<>());
  for (Gate* gate : gates) {
    accesses_.push_back(std::make_unique<Access>(*gate, use));
  }
}

void AccessGroup::pause() {
  for (const auto& access : accesses_) {
    access->pause();
  }
}

void AccessGroup::resume() {
  for (const auto& access : accesses_) {
    access->resume();
  }
}

/// At the first use in a forked child: computes the state from the accesses of this thread. The other threads that held
/// the gate do not exist in the child.
void Access::after_fork() {
  std::uint32_t state = 0;
  bool innermost = true;
  for (const Access* access = outer_; access != nullptr; access = access->outer_) {
    if (&access->gate_ != &gate_) {
      continue;
    }
    if (access->use_ == Use::read) {
      state += Gate::kReader;
    } else {
      state |= Gate::kWriter | (access->use_ == Use::fit ? Gate::kFit : 0) |
               (access->paused_ && (innermost || state >= Gate::kReader) ? Gate::kPaused : 0);
    }
    innermost = false;
  }
  const std::uint32_t before = gate_.state();
  if ((before & Gate::kWriter) != 0 && (before & Gate::kPaused) == 0 && (state & Gate::kWriter) == 0) {
    throw StateError(
        "another thread was changing the network or the optimizer when this process was forked: copy it before the "
        "fork");
  }
  gate_.set_state(state);
  gate_.waiting_ = 0;
  if (innermost) {
    gate_.python_functions_ = 0;
  }
  gate_.forks_ = forks.load();
}

}  // namespace backpass::python

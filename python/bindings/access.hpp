/// Access to a network or an optimizer: any number of calls may read it, or one call may change it. The GIL does not
/// enforce this rule, because long calls release it.
///
/// A call waits for the calls of other threads. Waiting calls enter in the order of their arrival. A call fails with a
/// StateError in situations where it might wait forever:
/// - it comes from a Python function (a Custom activation or loss) that a call of the same thread runs;
/// - it changes the object while another thread runs fit, which may take hours;
/// - a Python function in another thread's call does not return: this function may be waiting for this thread;
/// - it runs in a forked child, and another thread was changing the object at the fork;
/// - the interpreter is shutting down.
/// Between two steps, fit pauses its accesses: calls of other threads may read the network and the optimizer. A
/// callback runs on the thread of fit and may also change them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "gil.hpp"

namespace backpass::python {

/// Starts counting forks. Call it once, before the first gate is used.
void count_forks();
/// Number of forks between the first process and this process. Relaxed: only the fork handler writes it, in the child,
/// which has one thread at that moment.
inline std::atomic<std::uint32_t> forks = 0;

enum class Use : std::uint8_t {
  read,   ///< together with other readers
  write,  ///< exclusive
  fit     ///< exclusive for a long time; paused between steps
};

/// The access state of one network or optimizer. Its fields change only while the GIL is held, so that reading and then
/// writing a field is one atomic operation. The fields are atomic for another reason: what one call wrote to the
/// network must be visible to the next call.
class Gate {
 public:
  Gate() = default;
  // A copy of an object is a new object: no call uses it yet.
  Gate(const Gate& /*other*/) noexcept {}
  Gate& operator=(const Gate& /*other*/) noexcept { return *this; }
  ~Gate() = default;

 private:
  friend class Access;
  friend class Waiting;  // access.cpp
  friend class PythonFunction;
  static constexpr std::uint32_t kWriter = 1;  ///< a call is changing the object
  static constexpr std::uint32_t kFit = 2;     ///< this call is a fit
  static constexpr std::uint32_t kPaused = 4;  ///< this fit is between two steps
  static constexpr std::uint32_t kReader = 8;  ///< added once per reading call

  // The extension is compiled with -Os, which would not inline these functions.
  [[nodiscard, gnu::always_inline]] std::uint32_t state() const noexcept {
    return state_.load(std::memory_order_acquire);
  }
  [[gnu::always_inline]] void set_state(std::uint32_t state) noexcept {
    state_.store(state, std::memory_order_release);
  }
  [[nodiscard]] bool has_readers() const noexcept { return state() >= kReader; }
  [[nodiscard]] bool is_fit() const noexcept { return (state() & kFit) != 0; }

  /// Enters if no other call prevents it. \returns whether this call has entered
  [[nodiscard, gnu::always_inline]] bool try_enter(Use use) noexcept {
    const std::uint32_t now = state();
    if (use == Use::read) {
      if ((now & kWriter) != 0 && (now & kPaused) == 0) {
        return false;
      }
      set_state(now + kReader);
      return true;
    }
    if (now != 0) {
      return false;
    }
    set_state(use == Use::fit ? kWriter | kFit : kWriter);
    return true;
  }
  [[gnu::always_inline]] void leave(Use use) noexcept {
    set_state(use == Use::read ? state() - kReader : state() & ~(kWriter | kFit | kPaused));
  }

  std::atomic<std::uint32_t> state_{0};
  std::atomic<std::uint32_t> waiting_{0};           ///< number of waiting calls
  std::atomic<std::uint32_t> python_functions_{0};  ///< number of Python functions that run inside current calls
  std::atomic<std::uint32_t> python_calls_{0};      ///< number of such functions called so far
  std::atomic<std::uint32_t> forks_{forks.load(std::memory_order_relaxed)};  ///< value at the last use
};

/// Holds a gate during a call. Needs the GIL in its constructor and destructor. The Access objects of one thread must
/// be destroyed in the reverse order of their construction.
class Access {
 public:
  /// \throws StateError if the call is refused; see the top of this file
  [[gnu::always_inline]] Access(Gate& gate, Use use)
      : gate_(gate), use_(use), innermost_(innermost()), outer_(innermost_) {
    // If the state is 0, no thread holds the gate, not even this thread.
    const bool simple = gate.forks_.load(std::memory_order_relaxed) == forks.load(std::memory_order_relaxed) &&
                        gate.waiting_.load(std::memory_order_relaxed) == 0 && gate.state() == 0;
    if (!simple || !gate.try_enter(use)) {
      enter_slowly();
    }
    innermost_ = this;
  }
  [[gnu::always_inline]] ~Access() {
    innermost_ = outer_;
    if (nested_ && use_ != Use::read) {
      gate_.set_state(gate_.state() | Gate::kPaused);
    } else {
      gate_.leave(use_);
    }
    if (gate_.waiting_.load(std::memory_order_relaxed) != 0) {
      admit_waiting();
    }
  }
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;

  /// Admits other calls between two steps of a fit.
  void pause();
  /// Waits until these calls have ended. \throws StateError if one of them does not end
  void resume();

 private:
  friend class PythonFunction;
  /// The innermost Access that this thread holds; null if there is none.
  [[nodiscard]] static Access*& innermost() noexcept {
    static constinit thread_local Access* access = nullptr;
    return access;
  }
  void enter_slowly();
  void enter_nested(const Access& holder);
  void admit_waiting() noexcept;
  void after_fork();

  Gate& gate_;
  Use use_;
  bool paused_ = false;
  bool nested_ = false;  ///< inside a fit of the same thread that is paused
  Access*& innermost_;   ///< innermost() of this thread, looked up once
  Access* outer_;        ///< the innermost Access of this thread before this one
};

/// Access of a call that reads.
class Shared : public Access {
 public:
  explicit Shared(Gate& gate) : Access(gate, Use::read) {}
};
/// Access of a call that changes the object.
class Exclusive : public Access {
 public:
  explicit Exclusive(Gate& gate) : Access(gate, Use::write) {}
};

/// The accesses of one call to several objects.
class AccessGroup {
 public:
  AccessGroup() = default;
  ~AccessGroup() {
    while (!accesses_.empty()) {
      accesses_.pop_back();  // the last one first
    }
  }
  AccessGroup(const AccessGroup&) = delete;
  AccessGroup& operator=(const AccessGroup&) = delete;

  /// Enters gates in the order of their addresses. So two calls never hold a gate each and wait for the other's gate.
  /// A call that uses networks and optimizers enters the networks first.
  /// \throws StateError as Access(); the gates are left when this object is destroyed
  void enter(std::vector<Gate*> gates, Use use);
  void pause();
  void resume();

 private:
  std::vector<std::unique_ptr<Access>> accesses_;
};

/// Runs a callback f of fit between two steps and returns f(). All accesses are paused while f runs.
template <class F>
auto between_steps(AccessGroup& accesses, F&& f) {
  accesses.pause();
  auto result = [&] {
    try {
      return f();
    } catch (const std::exception&) {
      accesses.resume();  // fit may still restore the network before the exception leaves it
      throw;
    }
  }();
  accesses.resume();
  return result;
}

/// Exists while a call runs a Python function in the middle of a step. Holds the GIL.
class PythonFunction {
 public:
  PythonFunction() { count(1); }
  ~PythonFunction() { count(-1); }
  PythonFunction(const PythonFunction&) = delete;
  PythonFunction& operator=(const PythonFunction&) = delete;

 private:
  /// Updates the counters of every gate that this thread holds.
  static void count(int by) noexcept {
    for (const Access* access = Access::innermost(); access != nullptr; access = access->outer_) {
      access->gate_.python_functions_ += static_cast<std::uint32_t>(by);
      access->gate_.python_calls_ += by > 0 ? 1U : 0U;
    }
  }
  const GilHold gil_;
};

}  // namespace backpass::python

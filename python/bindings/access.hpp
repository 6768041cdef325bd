/// Who may use a network or an optimizer: many calls that read it, or one call that changes it. The GIL does not see to
/// that, since calls release it.
///
/// A call waits for the calls of other threads, in the order in which they came. It fails with a StateError where
/// waiting could take for ever:
/// - inside a Python function that a call of the same thread runs (a Custom activation or loss);
/// - when it changes the object and a fit of another thread is under way, which may take hours;
/// - when the Python function of another thread's call does not return: it may wait for this very thread;
/// - in a forked child, when another thread was changing the object at the fork;
/// - at the end of the interpreter.
/// Between two steps fit lends its network and its optimizer: calls of other threads may read, and a callback, which
/// runs on fit's own thread, may also make changes.
#pragma once

#include <atomic>
#include <cstdint>

#include "gil.hpp"

namespace backpass::python {

/// To be called once, before the first gate is used.
void count_forks();
/// Forks between the first process and this one.
inline std::atomic<std::uint32_t> forks = 0;

enum class Use : std::uint8_t {
  read,   ///< beside others that read
  write,  ///< alone
  fit     ///< alone, for long, and lent between steps
};

/// The state of one network or optimizer. Its fields change with the GIL held alone, so that a read and a write of a
/// field are one step; they are atomic so that what one call wrote to the network is in sight of the next call.
class Gate {
 public:
  Gate() = default;
  // A copy or a moved object is a new one, which nobody uses yet.
  Gate(const Gate& /*other*/) noexcept {}
  Gate& operator=(const Gate& /*other*/) noexcept { return *this; }
  ~Gate() = default;

 private:
  friend class Access;
  friend class Waiting;  // access.cpp
  friend class PythonFunction;
  static constexpr std::uint32_t kWriter = 1;  ///< a call that changes the object is under way
  static constexpr std::uint32_t kFit = 2;     ///< it is a fit
  static constexpr std::uint32_t kLent = 4;    ///< which is between two steps
  static constexpr std::uint32_t kReader = 8;  ///< once a call that reads

  // The wheel is compiled for small code, which would call these.
  [[nodiscard, gnu::always_inline]] std::uint32_t state() const noexcept {
    return state_.load(std::memory_order_acquire);
  }
  [[gnu::always_inline]] void set_state(std::uint32_t state) noexcept {
    state_.store(state, std::memory_order_release);
  }
  [[nodiscard]] bool has_readers() const noexcept { return state() >= kReader; }
  [[nodiscard]] bool is_fit() const noexcept { return (state() & kFit) != 0; }

  /// Enters unless others are in the way.
  [[nodiscard, gnu::always_inline]] bool try_enter(Use use) noexcept {
    const std::uint32_t now = state();
    if (use == Use::read) {
      if ((now & kWriter) != 0 && (now & kLent) == 0) {
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
    set_state(use == Use::read ? state() - kReader : state() & ~(kWriter | kFit | kLent));
  }

  std::atomic<std::uint32_t> state_{0};
  std::atomic<std::uint32_t> waiting_{0};           ///< calls that wait
  std::atomic<std::uint32_t> python_functions_{0};  ///< that run inside the calls under way
  std::atomic<std::uint32_t> python_calls_{0};      ///< how many such functions have been called so far
  std::atomic<std::uint32_t> forks_{forks.load(std::memory_order_relaxed)};  ///< at the last use
};

/// Holds a gate for the length of a call. To be made and destroyed with the GIL held, one inside the other.
class Access {
 public:
  /// \throws StateError when the call cannot be made; see the top of this file
  [[gnu::always_inline]] Access(Gate& gate, Use use)
      : gate_(gate), use_(use), innermost_(innermost()), outer_(innermost_) {
    // Nobody holds a gate whose state is 0, this thread included.
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
      gate_.set_state(gate_.state() | Gate::kLent);
    } else {
      gate_.leave(use_);
    }
    if (gate_.waiting_.load(std::memory_order_relaxed) != 0) {
      admit_waiting();
    }
  }
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;

  /// Lets others in, between two steps of a fit.
  void lend();
  /// Waits for those who have come. \throws StateError when one of them does not go
  void take_back();

 private:
  friend class PythonFunction;
  /// The last access that this thread has made and still holds.
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
  bool lent_ = false;
  bool nested_ = false;  ///< inside a fit of the same thread that lends the gate
  Access*& innermost_;   ///< of this thread: looked up once
  Access* outer_;        ///< of this thread, before this one
};

/// A call that reads.
class Shared : public Access {
 public:
  explicit Shared(Gate& gate) : Access(gate, Use::read) {}
};
/// A call that changes something.
class Exclusive : public Access {
 public:
  explicit Exclusive(Gate& gate) : Access(gate, Use::write) {}
};

/// Returns f(), a callback between two steps of the fit that holds both.
template <class F>
auto between_steps(Access& network, Access& optimizer, F&& f) {
  const auto take_back = [&] {
    network.take_back();
    optimizer.take_back();
  };
  network.lend();
  optimizer.lend();
  const auto result = [&] {
    try {
      return f();
    } catch (const std::exception&) {
      take_back();  // fit may still change the network on its way out
      throw;
    }
  }();
  take_back();
  return result;
}

/// For the length of a Python function that a call runs in the middle of a step. Takes the GIL.
class PythonFunction {
 public:
  PythonFunction() { count(1); }
  ~PythonFunction() { count(-1); }
  PythonFunction(const PythonFunction&) = delete;
  PythonFunction& operator=(const PythonFunction&) = delete;

 private:
  /// In every gate that this thread holds.
  static void count(int by) noexcept {
    for (const Access* access = Access::innermost(); access != nullptr; access = access->outer_) {
      access->gate_.python_functions_ += static_cast<std::uint32_t>(by);
      access->gate_.python_calls_ += by > 0 ? 1U : 0U;
    }
  }
  const GilHold gil_;
};

}  // namespace backpass::python

/// \file interrupt.hpp
/// How a program ends a long call early.
#pragma once

#include <chrono>
#include <functional>

#include <backpass/export.hpp>

namespace backpass {

/// While a scope lives, long calls of the thread that made the scope ask `check` between blocks of their work. What
/// `check` throws ends the call and reaches the caller. Calls of other threads do not ask.
///
///     std::atomic<bool> stop;  // set by a signal handler, a timer, another thread
///     const backpass::InterruptScope scope([&] { if (stop) throw Stopped(); });
///     net.fit(x, y, loss, adam, options);
///
/// A call that `check` ends leaves the network at the boundary of a step:
/// - predict, evaluate: only `out` may have changed.
/// - train_step, loss_and_gradient, backward: parameters, the optimizer and dropout_state() are as before the call; the
///   gradients, and the activations of the last forward(), are undefined.
/// - forward: backward() throws StateError until the next forward().
/// - step: is not ended. The update of train_step is not ended either.
/// - fit: as at the last finished step; the history of the call is lost.
/// - initialize: parameters are as before the call.
/// Functions of CustomActivation and CustomLoss are asked nothing while they run; they may throw themselves.
///
/// Scopes of one thread may be nested, and end in the opposite order; the inner scope counts. `check` runs on the
/// thread of the call and may use other networks. A call inside `check` asks no scope.
class BACKPASS_EXPORT InterruptScope {
 public:
  /// \param interval  the least time between two calls of `check`; zero: at every opportunity, for tests. The time
  ///                  that `check` itself takes, to wait for a lock say, makes the interval longer: three times as long
  ///                  at most.
  explicit InterruptScope(std::function<void()> check,
                          std::chrono::nanoseconds interval = std::chrono::milliseconds(20));
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

 private:
  friend struct InterruptAccess;  // the library's own way in
  using Clock = std::chrono::steady_clock;
  void ask();

  std::function<void()> check_;
  std::chrono::nanoseconds interval_;
  Clock::time_point next_;
  InterruptScope* outer_;
};

}  // namespace backpass

/// \file interrupt.hpp
/// Lets a program end a long call early.
#pragma once

#include <chrono>
#include <functional>

#include <backpass/export.hpp>

namespace backpass {

/// While a scope exists, long calls on the thread that made the scope call `check` between blocks of their work. If
/// `check` throws, the call ends and the exception reaches the caller. Calls on other threads do not call `check`.
///
///     std::atomic<bool> stop;  // set by a signal handler, a timer, another thread
///     const backpass::InterruptScope scope([&] { if (stop) throw Stopped(); });
///     net.fit(x, y, loss, adam, options);
///
/// If `check` ends a call, the network is in a state between two steps:
/// - predict, evaluate: only `out` may have changed.
/// - train_step, loss_and_gradient, backward: parameters, the optimizer and dropout_state() are as before the call. The
///   gradients, and the activations of the last forward(), are undefined.
/// - forward: backward() throws StateError until the next forward().
/// - step: cannot be ended, and neither can the update of train_step. But the first step, and a step that adds a slot,
///   can be ended while they make the slots of the optimizer. Nothing has changed then.
/// - fit: the state is that after the last finished step. The history of the call is lost. The same holds for each
///   member of an ensemble.
/// - initialize: parameters are as before the call.
/// - copies of networks, to_bytes, save, load: nothing has changed.
/// - Activation::apply, evaluate_loss, compute_metric: only the output may have changed.
///
/// `check` is not called while a function of a CustomActivation or CustomLoss runs. Such a function may throw itself.
///
/// Scopes of one thread may be nested and must end in the opposite order. Only the innermost scope is used. `check`
/// runs on the thread of the call and may use other networks. Calls inside `check` do not call `check`.
class BACKPASS_EXPORT InterruptScope {
 public:
  /// \param interval  the shortest time between two calls of `check`. Zero: calls `check` as often as possible, for
  ///                  tests. If `check` itself takes long, e.g. to wait for a lock, the interval becomes longer, but at
  ///                  most three times as long
  explicit InterruptScope(std::function<void()> check,
                          std::chrono::nanoseconds interval = std::chrono::milliseconds(20));
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

 private:
  friend struct InterruptAccess;  // internal access for the library
  using Clock = std::chrono::steady_clock;
  void ask();

  std::function<void()> check_;
  std::chrono::nanoseconds interval_;
  Clock::time_point next_;
  InterruptScope* outer_;
};

}  // namespace backpass

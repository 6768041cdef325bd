#include "runtime/interrupt.hpp"

#include <backpass/interrupt.hpp>

#include <utility>

#include "base/floating_point_mode.hpp"

namespace backpass {

/// The data that polls of one thread use.
struct InterruptAccess {
  InterruptScope* scope = nullptr;  ///< the innermost scope, or null
  /// Of the team that this thread is a member of, or null. Relaxed: only a request to stop.
  const std::atomic<bool>* aborted = nullptr;
  int suspended = 0;
  std::int64_t left = 0;  ///< operations until the next look at `aborted` and the scope

  void ask() const {
    if (scope != nullptr) {
      scope->ask();
    }
  }
  [[nodiscard]] bool asks_always() const noexcept { return scope != nullptr && scope->interval_.count() == 0; }
};

namespace {

/// Reading the clock takes tens of nanoseconds, or up to 1 µs if it is a system call. This number of multiply-adds
/// takes 20 to 200 µs (5 to 50 per ns).
constexpr std::int64_t kOperationsPerLook = std::int64_t{1} << 20;

constinit thread_local InterruptAccess polls;

}  // namespace

InterruptScope::InterruptScope(std::function<void()> check, std::chrono::nanoseconds interval)
    : check_(std::move(check)), interval_(interval), next_(Clock::now() + interval), outer_(polls.scope) {
  polls.scope = this;
}

InterruptScope::~InterruptScope() { polls.scope = outer_; }

void InterruptScope::ask() {
  const Clock::time_point start = Clock::now();
  if (start < next_) {
    return;
  }
  const runtime::NoPolls in_check;
  in_callers_mode(check_);
  // If other threads compute, a check may take 5 ms, because it waits for Python's GIL. The next check is due after 9
  // times this duration (but within limits), so that checks take at most a tenth of the time.
  const Clock::time_point end = Clock::now();
  next_ = end + std::clamp<std::chrono::nanoseconds>(9 * (end - start), interval_, 3 * interval_);
}

namespace runtime {

void poll(std::size_t operations) {
  InterruptAccess& p = polls;
  if ((p.scope == nullptr && p.aborted == nullptr) || p.suspended > 0) {
    return;
  }
  p.left -= static_cast<std::int64_t>(operations);
  if (p.left > 0 && !p.asks_always()) {
    return;
  }
  p.left = kOperationsPerLook;
  if (p.aborted != nullptr && p.aborted->load(std::memory_order_relaxed)) {
    throw TeamAborted{};
  }
  p.ask();
}

PollTeam::PollTeam(const std::atomic<bool>& aborted) noexcept : outer_(std::exchange(polls.aborted, &aborted)) {}
PollTeam::~PollTeam() { polls.aborted = outer_; }

NoPolls::NoPolls() noexcept { ++polls.suspended; }
NoPolls::~NoPolls() { --polls.suspended; }

}  // namespace runtime
}  // namespace backpass

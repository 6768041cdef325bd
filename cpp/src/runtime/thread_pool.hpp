/// Threads that wait for work: an OpenMP parallel region that is entered once and stays active.
///
/// Entering a region costs more than a call of a small network. Between regions, libgomp's threads spin for
/// milliseconds. On a busy machine they occupy the CPU that the other threads need. Here a thread without work spins
/// for a short time and then sleeps. A call offers work to the helpers. It does not wait for a helper that sleeps or
/// has no CPU: the other members share the work. Results do not depend on which helpers came.
///
/// The states of one call:
///
///            offers_ = invited         all came, or timeout:          running_ = 0
///            ++generation_             team_ = who came
///   caller   idle ──────────▶ gathering ──────────▶ working ─────────▶ waiting ──▶ idle
///
///   helper   spinning ──────▶ offers_ -= itself ──▶ waits for team_ ─▶ working ──▶ --running_ ─▶ spinning
///              │    ▲  ++generation_
///       200 µs ▼    │
///            asleep ┘         (a helper that is too late finds no offer and spins again)
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

#include "base/function_ref.hpp"
#include "base/hardware.hpp"

namespace backpass::runtime {

class ThreadPool {
 public:
  /// The caller and 64 helpers, one per bit of a 64-bit set.
  static constexpr int kMaxTeam = 65;

  /// The work of member `rank` of a team of `size` members.
  using Work = FunctionRef<void(int rank, int size)>;

  /// How long a call waits for helpers to join.
  struct JoinTimeout {
    std::chrono::nanoseconds awake;   ///< if no helper must be woken
    std::chrono::nanoseconds asleep;  ///< otherwise; 0: helpers are woken, if at all, only for the calls that follow
  };

  /// Starts `helpers` threads, or fewer if OpenMP gives fewer. If the system refuses a thread, OpenMP may end the
  /// process: see obtainable_threads().
  explicit ThreadPool(int helpers);
  /// No team may be working at that time.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int helpers() const noexcept { return helpers_; }

  /// Gathers a team of at most `size` members, with the caller as member 0, and runs `work` once on each member. `work`
  /// must not throw. `start` is called with the size before any member works, and again if fewer helpers come. Only one
  /// caller at a time may use the pool.
  void run(int size, JoinTimeout timeout, FunctionRef<void(int size)> start, Work work) noexcept;

 private:
  class Threads;
  using Clock = std::chrono::steady_clock;

  void serve(int helper) noexcept;
  /// Waits until `generation_` differs from `seen`: spins first, then sleeps.
  [[nodiscard]] std::uint32_t next_generation(std::uint32_t seen) noexcept;

  // A helper that has taken an offer may read these members until it has reported the end of its part.
  std::uint64_t invited_ = 0;
  const Work* work_ = nullptr;

  /// Helpers that are invited and have not come yet, one bit each. The caller's store (release) makes invited_, work_
  /// and the data of the call visible to a helper that removes its bit (acquire). The caller's exchange (acquire) ends
  /// the gathering: a bit is removed either by its helper or by the caller, so both agree about who is in the team.
  alignas(hardware::kCacheLine) std::atomic<std::uint64_t> offers_{0};
  /// The helpers that have come; 0 while the caller gathers. The store (release) follows the last start(), whose data
  /// the helpers need (acquire).
  std::atomic<std::uint64_t> team_{0};
  /// Counts calls; sleeping helpers wait on it. The increment (release) follows the stores to offers_ and stopping_: a
  /// helper that sees the new number (acquire) sees them too.
  alignas(hardware::kCacheLine) std::atomic<std::uint32_t> generation_{0};
  /// Relaxed: only an estimate, which decides how long the caller waits.
  std::atomic<int> sleepers_{0};
  /// Helpers that have not finished their part. The decrements (release) make their results visible to the caller,
  /// which waits for 0 (acquire).
  alignas(hardware::kCacheLine) std::atomic<int> running_{0};
  /// Relaxed: generation_ orders it.
  std::atomic<bool> stopping_{false};
  Clock::time_point last_call_{};
  int helpers_ = 0;
  std::unique_ptr<Threads> threads_;
};

/// Whether a pool may help the calling thread. False without OpenMP, and inside a parallel region (the library's or the
/// caller's), where more threads would be too many.
[[nodiscard]] bool may_share_work() noexcept;

}  // namespace backpass::runtime

/// Threads that wait for work: an OpenMP parallel region that is entered once and stays active.
///
/// Entering a region in every call would cost more than a call of a small network. Between regions, libgomp's threads
/// spin for milliseconds: on a busy machine they keep the CPU from the very thread that they wait for. Here a thread
/// without work spins for a short time and then sleeps. Work is offered, not assigned: the call does not wait for a
/// helper that does not come at once, because it sleeps or has no CPU. The other members share the work. Results do not
/// depend on which helpers came.
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

  alignas(hardware::kCacheLine) std::atomic<std::uint64_t> offers_{
      0};                               ///< helpers that are invited and have not come yet
  std::atomic<std::uint64_t> team_{0};  ///< helpers that have come, once the team is final; 0 before
  alignas(hardware::kCacheLine) std::atomic<std::uint32_t> generation_{
      0};  ///< counts calls; sleeping helpers wait on it
  std::atomic<int> sleepers_{0};
  alignas(hardware::kCacheLine) std::atomic<int> running_{0};
  std::atomic<bool> stopping_{false};
  Clock::time_point last_call_{};
  int helpers_ = 0;
  std::unique_ptr<Threads> threads_;
};

/// Whether a pool may help the calling thread. False without OpenMP, and inside a parallel region (the library's or the
/// caller's), where more threads would be too many.
[[nodiscard]] bool may_share_work() noexcept;

}  // namespace backpass::runtime

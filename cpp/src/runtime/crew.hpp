/// Threads that wait for work: one parallel region of OpenMP that is entered once and stays.
///
/// Entering a region for every call would cost more than the calls of small networks, and between regions libgomp's
/// threads spin for milliseconds: on a machine that is busy with other work they keep the CPU from the very thread
/// they wait for. Here a thread that has nothing to do spins for a moment, then sleeps, and work is offered rather than
/// assigned: who does not come at once, asleep or without a CPU, is not waited for, and the others share the work.
/// Results do not depend on who came.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

#include "base/function_ref.hpp"

namespace backpass::runtime {

class Crew {
 public:
  /// The caller and as many helpers as a 64-bit set can name.
  static constexpr int kMaxTeam = 65;

  /// The work of member `rank` of `size`.
  using Work = FunctionRef<void(int rank, int size)>;

  /// How long a team gathers.
  struct Patience {
    std::chrono::nanoseconds awake;   ///< while no helper must be woken
    std::chrono::nanoseconds asleep;  ///< else; zero: they are woken, if at all, for the calls that follow
  };

  /// Starts `helpers` threads, or fewer when OpenMP gives fewer. The process may end when the system does not give
  /// them: see obtainable_threads().
  explicit Crew(int helpers);
  /// Not while a team works.
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  [[nodiscard]] int helpers() const noexcept { return helpers_; }

  /// Gathers a team of at most `size`, the caller being member 0, calls `start` with its size, and runs `work`, which
  /// must not throw, once on each member. One caller at a time.
  void run(int size, Patience patience, FunctionRef<void(int size)> start, Work work) noexcept;

 private:
  class Threads;
  using Clock = std::chrono::steady_clock;

  void serve(int helper) noexcept;
  /// Waits for `generation_` to leave `seen`, awake at first.
  [[nodiscard]] std::uint32_t next_generation(std::uint32_t seen) noexcept;

  // What a helper that has taken an offer may read until it has reported the end of its part.
  std::uint64_t invited_ = 0;
  const Work* work_ = nullptr;

  alignas(64) std::atomic<std::uint64_t> offers_{0};      ///< helpers that are invited and have not come
  std::atomic<std::uint64_t> team_{0};                    ///< helpers that have come, once that is settled; else 0
  alignas(64) std::atomic<std::uint32_t> generation_{0};  ///< counts calls: a helper that sleeps sleeps on it
  std::atomic<int> sleepers_{0};
  alignas(64) std::atomic<int> running_{0};
  std::atomic<bool> stopping_{false};
  Clock::time_point last_call_{};
  int helpers_ = 0;
  std::unique_ptr<Threads> threads_;
};

/// Whether a crew may help this thread: not without OpenMP, and not a member of somebody's region, ours or the caller's
/// own, where more threads would be too many.
[[nodiscard]] bool may_share_work() noexcept;

}  // namespace backpass::runtime

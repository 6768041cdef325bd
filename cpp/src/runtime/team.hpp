/// Threads: a parallel region, the members of its team, and their barrier. The only thread header that the layers above
/// include.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

#include "base/function_ref.hpp"

namespace backpass::runtime {

/// The data that the members of a team share.
class TeamState;

/// One member of a team, as seen inside a region.
class Member {
 public:
  Member(int rank, int size, TeamState* state) noexcept : rank_(rank), size_(size), state_(state) {}
  [[nodiscard]] int rank() const noexcept { return rank_; }
  [[nodiscard]] int size() const noexcept { return size_; }
  /// Waits for all members. If a member has thrown, barrier() throws an exception that the region catches.
  void barrier() const;
  /// This member's part of [0, n), in whole grains: contiguous, in rank order, as equal as the grains allow.
  [[nodiscard]] std::pair<std::size_t, std::size_t> share(std::size_t n, std::size_t grain = 1) const noexcept {
    const std::size_t grains = (n + grain - 1) / grain;
    const auto rank = static_cast<std::size_t>(rank_);
    const auto size = static_cast<std::size_t>(size_);
    const std::size_t begin = grains * rank / size * grain;
    const std::size_t end = grains * (rank + 1) / size * grain;
    return {begin < n ? begin : n, end < n ? end : n};
  }

 private:
  int rank_;
  int size_;
  TeamState* state_;
};

/// Runs `work` once on each of at most `threads` members, in the library's floating-point mode. The caller is member 0.
///
/// A call runs without helpers that would not come within a small part of the time that the work takes: if another call
/// uses the threads, if they sleep and the work is small, or if the machine has no CPU for them. With
/// BACKPASS_WHOLE_TEAMS set in the environment, a region waits for all helpers. This is for tests of code whose results
/// must not depend on the team.
/// If members throw, the first exception reaches the caller after all members have ended.
/// \param multiply_adds  the amount of work
void parallel(int threads, double multiply_adds, FunctionRef<void(const Member&)> work);

/// Starts the threads that parallel() would start for a team of `threads`, so that the first parallel() starts no
/// threads and allocates nothing. Waits for a call that uses the threads.
void start_threads(int threads) noexcept;

/// While an object lives, calls on this thread use at most this number of threads. Objects may be nested; the smallest
/// limit counts.
class ThreadLimit {
 public:
  /// \param most  0: no limit
  explicit ThreadLimit(int most) noexcept;
  ~ThreadLimit();
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

 private:
  int outer_;
};

/// The largest number of threads of a call on this thread: `requested` (0: get_num_threads()), but at most
/// max_num_threads() and the ThreadLimit.
/// \throws std::runtime_error as get_num_threads()
[[nodiscard]] int most_threads(int requested = 0);

/// The number of threads for an amount of work: one per kWorkPerThread multiply-adds, at most most_threads(limit).
/// \throws std::runtime_error as get_num_threads()
[[nodiscard]] int threads_for(double multiply_adds, int limit = 0);

}  // namespace backpass::runtime

/// Threads: one parallel region, the members of its team, and their barrier. The only header of threads that the layers
/// above see.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

#include "base/function_ref.hpp"

namespace backpass::runtime {

/// What the members of a team share.
class TeamState;

/// One member of a team, seen from inside a region.
class Member {
 public:
  Member(int rank, int size, TeamState* state) noexcept : rank_(rank), size_(size), state_(state) {}
  [[nodiscard]] int rank() const noexcept { return rank_; }
  [[nodiscard]] int size() const noexcept { return size_; }
  /// Waits for all members. Leaves by an exception, caught by the region, when a member has thrown.
  void barrier() const;
  /// This member's part of [0, n), in whole grains: contiguous, in rank order, as even as grains allow.
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

/// Runs `work` once on each of at most `threads` members, the caller being member 0, in the library's floating-point
/// mode.
///
/// Members that would not come in a small part of the time that the work takes are done without: when another call has
/// the threads, when they sleep and the work is small, when the machine has no CPU for them. With BACKPASS_WHOLE_TEAMS
/// set in the environment a region waits for all of them: for tests of what does not depend on it.
/// The first exception thrown by a member reaches the caller after all have ended.
/// \param multiply_adds  how much work it is
void parallel(int threads, double multiply_adds, FunctionRef<void(const Member&)> work);

/// Starts the threads that parallel() would start for a team of `threads`, and waits for a call that has the threads.
/// So the first parallel() starts none and allocates nothing.
void start_threads(int threads) noexcept;

/// How many threads a piece of work deserves: one per kWorkPerThread multiply-adds, at most `limit` (0:
/// get_num_threads()) and max_num_threads().
/// \throws std::runtime_error as get_num_threads()
[[nodiscard]] int threads_for(double multiply_adds, int limit = 0);

}  // namespace backpass::runtime

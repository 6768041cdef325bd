/// Polls: the points between blocks of work at which a call can end early.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>

namespace backpass::runtime {

/// What a barrier or a poll throws into the members of a team that one of them has left by an exception.
struct TeamAborted : std::exception {};

/// To be called between blocks of work. On the thread that called the library, `check` of the InterruptScope is asked
/// when its interval has passed; whatever it throws ends the block loop. On the other members of a team, TeamAborted is
/// thrown once a member has left. A poll without scope and team reads one thread-local variable.
/// \param operations  the work since the last poll, about one multiply-add each: the clock is read when enough of them
///                    have come together
void poll(std::size_t operations);

/// f(begin, end) for consecutive parts of [0, n), with a poll between two of them.
/// \param operations  of one element of [0, n)
template <class F>
void in_parts(std::size_t n, std::size_t operations, F f) {
  constexpr std::size_t kPart = std::size_t{1} << 20;  // operations: a millisecond or less
  if (n <= kPart && n * operations <= kPart) {         // no division where the work is small
    f(std::size_t{0}, n);
    return;
  }
  const std::size_t step = std::max<std::size_t>(1, kPart / operations);
  for (std::size_t begin = 0; begin < n; begin += step) {
    const std::size_t end = std::min(begin + step, n);
    f(begin, end);
    poll((end - begin) * operations);
  }
}

/// While it lives, polls of this thread see that `aborted` is set: for members of a team.
class PollTeam {
 public:
  explicit PollTeam(const std::atomic<bool>& aborted) noexcept;
  ~PollTeam();
  PollTeam(const PollTeam&) = delete;
  PollTeam& operator=(const PollTeam&) = delete;

 private:
  const std::atomic<bool>* outer_;
};

/// While it lives, polls of this thread do nothing: for updates, which are finished once they have begun.
class NoPolls {
 public:
  NoPolls() noexcept;
  ~NoPolls();
  NoPolls(const NoPolls&) = delete;
  NoPolls& operator=(const NoPolls&) = delete;
};

}  // namespace backpass::runtime

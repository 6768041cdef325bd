/// Polls: the points between blocks of work at which a call can end early.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>

namespace backpass::runtime {

/// A barrier or a poll throws this exception into the members of a team after one member has left by an exception.
struct TeamAborted : std::exception {};

/// Called between blocks of work. On the thread that called the library, a poll runs `check` of the innermost
/// InterruptScope if its interval has passed; an exception from `check` ends the loop over the blocks. On the members
/// of a team, a poll throws TeamAborted after another member has left by an exception. Without a scope and a team, a
/// poll reads one thread-local variable.
/// \param operations  work since the last poll, in multiply-adds; the clock is read once enough of them have
///   accumulated
void poll(std::size_t operations);

/// Calls f(begin, end) for consecutive parts of [0, n), and polls after each part. Small work is one part without a
/// poll.
/// \param operations  work per element of [0, n)
template <class F>
void in_parts(std::size_t n, std::size_t operations, F f) {
  constexpr std::size_t kPart = std::size_t{1} << 20;  // operations: 20 µs with 50 per ns, 1 ms with 1 per ns
  if (n <= kPart && n * operations <= kPart) {         // avoids the division for small work
    f(std::size_t{0}, n);
    return;
  }
  const std::size_t step = std::max<std::size_t>(1, kPart / std::max<std::size_t>(1, operations));
  for (std::size_t begin = 0; begin < n; begin += step) {
    const std::size_t end = std::min(begin + step, n);
    f(begin, end);
    poll((end - begin) * operations);
  }
}

/// Cost estimate of writing an element to new memory, for polls, in multiply-adds: the system clears the page, then the
/// element is written. This takes about 1 ns, in which a slow core performs 5 multiply-adds.
inline constexpr std::size_t kWriteOperations = 4;

/// Copies n elements, with polls.
template <class T>
void copy_in_parts(const T* from, std::size_t n, T* to) {
  in_parts(n, kWriteOperations,
           [&](std::size_t begin, std::size_t end) { std::copy(from + begin, from + end, to + begin); });
}

/// While an object lives, polls of this thread also look at `aborted`. For the members of a team.
class PollTeam {
 public:
  explicit PollTeam(const std::atomic<bool>& aborted) noexcept;
  ~PollTeam();
  PollTeam(const PollTeam&) = delete;
  PollTeam& operator=(const PollTeam&) = delete;

 private:
  const std::atomic<bool>* outer_;
};

/// While an object lives, polls of this thread do nothing. For updates, which must finish once they have begun.
class NoPolls {
 public:
  NoPolls() noexcept;
  ~NoPolls();
  NoPolls(const NoPolls&) = delete;
  NoPolls& operator=(const NoPolls&) = delete;
};

}  // namespace backpass::runtime

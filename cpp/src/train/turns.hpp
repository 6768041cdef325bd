/// Gives the members of an ensemble to threads, in turns. Which thread trains a member, and when, does not affect the
/// numbers of the member.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace backpass::train {

/// The mutex also makes what one thread wrote to a member visible to the next thread that takes the member.
class Turns {
 public:
  explicit Turns(std::size_t members) : members_(members) {}

  /// Makes a member wait for its first turn. \param work_left  the member with the most work goes first
  void add(std::size_t member, double work_left) {
    const std::lock_guard lock(mutex_);
    members_[member] = {State::waits, work_left};
  }
  /// Takes the waiting member with the most work; none if no member waits.
  [[nodiscard]] std::optional<std::size_t> take() {
    const std::lock_guard lock(mutex_);
    std::optional<std::size_t> next;
    for (std::size_t k = 0; k < members_.size(); ++k) {
      if (members_[k].state == State::waits && (!next || members_[k].work_left > members_[*next].work_left)) {
        next = k;
      }
    }
    if (next) {
      members_[*next].state = State::taken;
      ++taken_;
    }
    return next;
  }
  /// Ends a turn. \param work_left  if set, the member waits for another turn
  void give_back(std::size_t member, std::optional<double> work_left) {
    {
      const std::lock_guard lock(mutex_);
      members_[member] = {work_left ? State::waits : State::absent, work_left.value_or(0.0)};
      --taken_;
    }
    changed_.notify_all();
  }
  /// Waits until a member is given back, or for a short time. \returns false, at once, if no member is taken
  bool wait() {
    constexpr std::chrono::milliseconds kWait{5};  // between two looks for an interrupt
    std::unique_lock lock(mutex_);
    if (taken_ == 0) {
      return false;
    }
    changed_.wait_for(lock, kWait);
    return true;
  }

 private:
  enum class State : std::uint8_t { absent, waits, taken };
  struct Member {
    State state = State::absent;
    double work_left = 0.0;
  };
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Member> members_;
  std::size_t taken_ = 0;
};

}  // namespace backpass::train

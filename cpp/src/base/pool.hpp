/// Objects that calls running at the same time borrow, so that each has its own and none is made twice.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace backpass {

template <class W>
class Pool {
 public:
  Pool() { idle_.reserve(kReserved); }

  /// Lends an idle object for which fits(object) holds, else a new one from make(), until the lease ends.
  template <class Fits, class Make>
  auto lease(Fits fits, Make make) {
    std::unique_ptr<W> taken;
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        taken = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (!taken || !fits(*taken)) {
      taken = make();
    }
    return std::unique_ptr<W, Return>(taken.release(), Return{this});
  }

 private:
  struct Return {
    Pool* pool;
    void operator()(W* object) const noexcept {
      std::unique_ptr<W> owned(object);
      const std::lock_guard lock(pool->mutex_);
      if (pool->idle_.size() < kReserved) {
        pool->idle_.push_back(std::move(owned));
      }
    }
  };
  static constexpr std::size_t kReserved = 64;

  std::mutex mutex_;
  std::vector<std::unique_ptr<W>> idle_;
};

}  // namespace backpass

/// Objects that calls running at the same time borrow, so that each has its own and none is made twice.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>

namespace backpass {

/// Holds no lock. A process may fork while other threads borrow objects: in the child a lock that one of those threads
/// held would stay locked for ever.
template <class W>
class Pool {
 public:
  Pool() = default;
  /// Not while an object is lent.
  ~Pool() {
    for (std::atomic<W*>& place : idle_) {
      delete place.load(std::memory_order_acquire);
    }
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Lends an idle object for which fits(object) holds, else a new one from make(), until the lease ends.
  template <class Fits, class Make>
  auto lease(Fits fits, Make make) {
    std::unique_ptr<W> taken(take());
    if (!taken || !fits(*taken)) {
      taken = make();
    }
    return std::unique_ptr<W, Return>(taken.release(), Return{this});
  }

 private:
  struct Return {
    Pool* pool;
    void operator()(W* object) const noexcept { pool->give_back(std::unique_ptr<W>(object)); }
  };

  W* take() noexcept {
    for (std::atomic<W*>& place : idle_) {
      // Looking comes first: it leaves the cache line shared, where the exchange would claim the line.
      if (place.load(std::memory_order_relaxed) != nullptr) {
        if (W* const object = place.exchange(nullptr, std::memory_order_acquire); object != nullptr) {
          return object;
        }
      }
    }
    return nullptr;
  }

  void give_back(std::unique_ptr<W> object) noexcept {
    for (std::atomic<W*>& place : idle_) {
      W* empty = nullptr;
      if (place.load(std::memory_order_relaxed) == nullptr &&
          place.compare_exchange_strong(empty, object.get(), std::memory_order_release, std::memory_order_relaxed)) {
        (void)object.release();
        return;
      }
    }
  }

  static constexpr std::size_t kIdle = 64;  ///< objects beyond this number are made anew

  std::array<std::atomic<W*>, kIdle> idle_{};
};

}  // namespace backpass

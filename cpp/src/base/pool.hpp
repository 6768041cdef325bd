/// Objects that concurrent calls borrow. Every call has its own object, and later calls reuse idle objects.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>

namespace backpass {

/// The pool has no lock. A lock that another thread holds during a fork is never released in the child.
template <class W>
class Pool {
 public:
  Pool() = default;
  /// No lease may exist at that time.
  ~Pool() {
    for (std::atomic<W*>& place : idle_) {
      delete place.load(std::memory_order_acquire);
    }
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Lends an object until the returned lease ends: an idle object if fits(object), otherwise a new object from make().
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
      // Load first: a load leaves the cache line shared, while the exchange takes ownership of it.
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

  /// The most idle objects. More than 64 calls at the same time are rare, and 64 pointers are 512 bytes.
  static constexpr std::size_t kIdle = 64;

  /// Each place belongs to the thread that exchanges it. The store (release) makes the object's content visible to the
  /// next thread that takes it (acquire).
  std::array<std::atomic<W*>, kIdle> idle_{};
};

}  // namespace backpass

#include "base/pool.hpp"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace backpass {
namespace {

TEST(Pool, LendsAReturnedObjectAgain) {
  Pool<int> pool;
  int made = 0;
  const auto any = [](const int&) { return true; };
  const auto make = [&] { return std::make_unique<int>(++made); };
  const int* first = nullptr;
  {
    const auto lease = pool.lease(any, make);
    first = lease.get();
  }
  EXPECT_EQ(pool.lease(any, make).get(), first);
  EXPECT_EQ(made, 1);
}

TEST(Pool, TwoLeasesAtOnceAreTwoObjects) {
  Pool<int> pool;
  const auto any = [](const int&) { return true; };
  const auto a = pool.lease(any, [] { return std::make_unique<int>(1); });
  const auto b = pool.lease(any, [] { return std::make_unique<int>(2); });
  EXPECT_NE(a.get(), b.get());
}

TEST(Pool, AnObjectThatDoesNotFitIsReplaced) {
  Pool<int> pool;
  {
    const auto small = pool.lease([](const int&) { return true; }, [] { return std::make_unique<int>(1); });
  }
  const auto large = pool.lease([](const int& size) { return size >= 5; }, [] { return std::make_unique<int>(5); });
  EXPECT_EQ(*large, 5);
}

TEST(Pool, MoreLeasesThanItKeepsAreAllReturned) {
  static int alive = 0;
  struct Counted {
    Counted() { ++alive; }
    ~Counted() { --alive; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
  };
  {
    Pool<Counted> pool;
    const auto any = [](const Counted&) { return true; };
    const auto make = [] { return std::make_unique<Counted>(); };
    {
      std::vector<decltype(pool.lease(any, make))> leases;
      for (int i = 0; i < 100; ++i) {
        leases.push_back(pool.lease(any, make));
      }
      EXPECT_EQ(alive, 100);
    }
    EXPECT_GT(alive, 0);
    EXPECT_LT(alive, 100);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Pool, ThreadsNeverShareAnObject) {
  struct Object {
    std::atomic<bool> in_use{false};
    int uses = 0;  // not atomic, so the thread sanitizer reports a race here
  };
  Pool<Object> pool;
  std::atomic<int> made{0};
  std::atomic<bool> shared{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20000; ++i) {
        const auto lease = pool.lease([](const Object&) { return true; },
                                      [&] {
                                        ++made;
                                        return std::make_unique<Object>();
                                      });
        shared = shared || lease->in_use.exchange(true);
        ++lease->uses;
        lease->in_use = false;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_FALSE(shared);
  EXPECT_LE(made, 80000 / 10);  // nearly all leases reuse a returned object
}

}  // namespace
}  // namespace backpass

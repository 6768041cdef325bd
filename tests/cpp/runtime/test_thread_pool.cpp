// Teams that gather completely, partly or not at all: every member runs once, and the ranks fit the settled size.
#include "runtime/thread_pool.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include <backpass/runtime.hpp>

namespace backpass::runtime {
namespace {

using std::chrono::nanoseconds;

constexpr ThreadPool::JoinTimeout kUnlimited{nanoseconds::max(), nanoseconds::max()};

/// Makes one call; returns the size of its team.
int run(ThreadPool& pool, int size, ThreadPool::JoinTimeout timeout) {
  int settled = 0;
  std::atomic<int> ranks{0};
  std::atomic<bool> good{true};
  pool.run(
      size, timeout, [&](int members) { settled = members; },
      [&](int rank, int members) {
        ranks.fetch_or(1 << rank);
        if (members != settled || rank >= members) {
          good = false;
        }
      });
  EXPECT_TRUE(good);
  EXPECT_EQ(ranks, (1 << settled) - 1);
  return settled;
}

TEST(ThreadPool, HasAllThreadsIfTheCallWaits) {
  ThreadPool pool(7);
  if (config().openmp.empty()) {
    GTEST_SKIP() << "built without OpenMP";
  }
  ASSERT_EQ(pool.helpers(), 7);
  for (int repeat = 0; repeat < 50; ++repeat) {
    for (const int size : {1, 2, 3, 8}) {
      EXPECT_EQ(run(pool, size, kUnlimited), size);
    }
  }
  EXPECT_EQ(run(pool, 20, kUnlimited), 8);
}

TEST(ThreadPool, WakesSleepingHelpers) {
  ThreadPool pool(2);
  for (int repeat = 0; repeat < 5; ++repeat) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));  // longer than helpers stay awake
    EXPECT_EQ(run(pool, 3, kUnlimited), 1 + pool.helpers());
  }
}

TEST(ThreadPool, WorksWithTheThreadsThatCome) {
  ThreadPool pool(5);
  std::mt19937 generator(3);
  std::array<int, 7> seen{};
  for (int repeat = 0; repeat < 5000; ++repeat) {
    const int size = 1 + static_cast<int>(generator() % 6);
    const nanoseconds awake(generator() % 3000);
    const nanoseconds asleep(generator() % 2 == 0 ? 0 : generator() % 3000);
    const int members = run(pool, size, {awake, asleep});
    EXPECT_LE(members, size);
    ++seen[static_cast<std::size_t>(members)];
    if (repeat % 500 == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  EXPECT_GT(seen[1], 0);
}

TEST(ThreadPool, EndsWithOrWithoutHavingWorked) {
  for (int repeat = 0; repeat < 20; ++repeat) {
    ThreadPool idle(3);
    ThreadPool busy(2);
    run(busy, 3, kUnlimited);
  }
}

}  // namespace
}  // namespace backpass::runtime

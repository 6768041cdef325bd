#include "runtime/team.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <backpass/runtime.hpp>

#if defined(__unix__)
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace backpass::runtime {
namespace {

constexpr double kMuch = 1e9;  ///< enough multiply-adds to wake threads

TEST(Parallel, EveryMemberRunsOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    std::vector<std::atomic<int>> runs(8);
    std::atomic<int> size{0};
    parallel(threads, kMuch, [&](const Member& member) {
      ++runs[static_cast<std::size_t>(member.rank())];
      size = member.size();
    });
    for (int rank = 0; rank < 8; ++rank) {
      EXPECT_EQ(runs[static_cast<std::size_t>(rank)], rank < size ? 1 : 0);
    }
    EXPECT_EQ(size, config().openmp.empty() ? 1 : threads);
  }
}

TEST(Parallel, BarrierSeparatesPhases) {
  constexpr int kPhases = 200;
  for (const int threads : {2, 5}) {
    std::atomic<int> arrived{0};
    std::atomic<bool> early{false};
    parallel(threads, kMuch, [&](const Member& member) {
      for (int phase = 1; phase <= kPhases; ++phase) {
        ++arrived;
        member.barrier();
        if (arrived < phase * member.size()) {
          early = true;
        }
        member.barrier();
      }
    });
    EXPECT_FALSE(early);
  }
}

TEST(Parallel, AnExceptionReachesTheCallerWhileOthersWait) {
  for (const int thrower : {0, 1, 2}) {
    try {
      parallel(3, kMuch, [&](const Member& member) {
        if (member.rank() == thrower % member.size()) {
          throw std::runtime_error("from member");
        }
        member.barrier();
      });
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(std::string(error.what()), "from member");
    }
  }
  // The next region must work normally.
  std::atomic<int> runs{0};
  parallel(3, kMuch, [&](const Member& member) {
    member.barrier();
    ++runs;
  });
  EXPECT_GE(runs, 1);
}

TEST(Member, SharesCoverEverythingOnceInWholeGrains) {
  for (const std::size_t n : {0, 1, 5, 12, 13, 100, 257}) {
    for (const std::size_t grain : {1, 4, 12}) {
      for (const int size : {1, 2, 3, 7}) {
        std::size_t next = 0;
        for (int rank = 0; rank < size; ++rank) {
          const auto [begin, end] = Member(rank, size, nullptr).share(n, grain);
          EXPECT_EQ(begin, next);
          EXPECT_TRUE(begin % grain == 0 || begin == n);
          next = end;
        }
        EXPECT_EQ(next, n);
      }
    }
  }
}

#if defined(__SSE2__) || defined(__aarch64__)
TEST(Parallel, DenormalsAreFlushedInsideAndBackOutside) {
  volatile double tiny = std::numeric_limits<double>::min();
  for (const int threads : {1, 2}) {
    std::array<double, 2> inside{1.0, 1.0};
    parallel(threads, kMuch,
             [&](const Member& member) { inside[static_cast<std::size_t>(member.rank())] = tiny / 2.0; });
    EXPECT_EQ(inside[0], 0.0);
    EXPECT_GT(tiny / 2.0, 0.0);
  }
}
#endif

TEST(ThreadsFor, FollowsTheWork) {
  EXPECT_EQ(threads_for(0.0, 8), 1);
  EXPECT_EQ(threads_for(1e12, 8), 8);
  EXPECT_EQ(threads_for(1e12, 1), 1);
  EXPECT_LE(threads_for(1e12), get_num_threads());
}

TEST(ThreadsFor, NoNumberGivesMoreThanTheLargestTeam) {
  const int most = max_num_threads();
  EXPECT_GE(most, 64);
  EXPECT_EQ(threads_for(1e18, std::numeric_limits<int>::max()), most);
  const int before = get_num_threads();
  set_num_threads(most + 1);
  EXPECT_EQ(get_num_threads(), most);
  EXPECT_EQ(threads_for(1e18), most);
  set_num_threads(before);
}

TEST(NumThreads, CanBeSetAndRefusesOtherValues) {
  const int before = get_num_threads();
  set_num_threads(3);
  EXPECT_EQ(get_num_threads(), 3);
  EXPECT_THROW(set_num_threads(0), std::invalid_argument);
  EXPECT_EQ(get_num_threads(), 3);
  set_num_threads(before);
}

#if defined(__unix__)
/// A region of four members with a known sum. Also called in a child and in the child's child, after the parent has
/// used threads.
int sum_in_region() {
  std::atomic<int> sum{0};
  parallel(4, kMuch, [&](const Member& member) {
    member.barrier();
    const auto [begin, end] = member.share(100);
    for (std::size_t i = begin; i < end; ++i) {
      sum += static_cast<int>(i);
    }
  });
  return sum;
}

bool child_succeeds(int depth) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);  // turns a hang into a failure
    const bool good = sum_in_region() == 4950 && (depth == 0 || child_succeeds(depth - 1));
    _exit(good ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(Parallel, WorksInForkedChildren) {
  EXPECT_EQ(sum_in_region(), 4950);
  EXPECT_TRUE(child_succeeds(2));
  EXPECT_EQ(sum_in_region(), 4950);
}
#endif

TEST(ThreadLimit, BoundsTheCallsOfItsThread) {
  const int before = get_num_threads();
  set_num_threads(4);
  EXPECT_EQ(threads_for(kMuch), 4);
  {
    const ThreadLimit three(3);
    EXPECT_EQ(threads_for(kMuch), 3);
    EXPECT_EQ(most_threads(8), 3);
    EXPECT_EQ(most_threads(2), 2);
    {
      const ThreadLimit none(0);
      const ThreadLimit seven(7);
      EXPECT_EQ(threads_for(kMuch), 3);
      const ThreadLimit one(1);
      EXPECT_EQ(threads_for(kMuch), 1);
    }
    EXPECT_EQ(threads_for(kMuch), 3);
    int other = 0;
    std::thread([&] { other = threads_for(kMuch); }).join();
    EXPECT_EQ(other, 4);
  }
  EXPECT_EQ(most_threads(), 4);
  EXPECT_EQ(most_threads(5), 5);
  set_num_threads(before);
}

}  // namespace
}  // namespace backpass::runtime

// If the system does not give the threads, calls continue with fewer threads: the bits are the same and the process
// lives.
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <backpass/network.hpp>
#include <backpass/optimizer.hpp>
#include <backpass/runtime.hpp>
#include <backpass/trainer.hpp>

#include "runtime/obtainable_threads.hpp"
#include "sanitized.hpp"

#if defined(__linux__)
#include <dirent.h>
#include <grp.h>
#include <sys/resource.h>
#include <unistd.h>

namespace backpass {
namespace {

constexpr int kSame = 0;
constexpr int kDifferent = 10;
constexpr int kNoMemory = 11;
constexpr int kUnable = 12;

/// Makes every kind of call that uses a team, and returns all computed numbers.
std::vector<float> results_with(int threads) {
  constexpr std::size_t kRows = 600;
  constexpr std::size_t kInputs = 64;
  constexpr std::size_t kOutputs = 10;
  set_num_threads(threads);
  std::vector<float> x(kRows * kInputs);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(i % 11) / 5.0F - 1.0F;
  }
  const std::vector<float> y(kRows * kOutputs, 0.25F);
  const ConstMatrixView<float> inputs(x.data(), kRows, kInputs);
  const ConstMatrixView<float> targets(y.data(), kRows, kOutputs);
  Network<float> network({.sizes = {kInputs, 256, kOutputs}, .seed = 0});
  Adam adam;
  std::vector<float> out(kRows * kOutputs);
  network.predict(inputs, MatrixView<float>(out.data(), kRows, kOutputs));
  out.push_back(static_cast<float>(network.train_step(inputs, targets, MeanSquaredError{}, adam)));
  const History history = network.fit(inputs, targets, MeanSquaredError{}, adam, {.epochs = 2, .batch_size = 200});
  out.push_back(static_cast<float>(history["loss"].back()));
  const std::span<const float> parameters = std::as_const(network).parameters();
  out.insert(out.end(), parameters.begin(), parameters.end());
  return out;
}

/// Makes the calls under a limit, and ends the process with a status that describes the result.
void exit_under(const std::function<bool()>& limit) {
  const std::vector<float> expected = results_with(1);
  if (!limit()) {
    std::_Exit(kUnable);
  }
  try {
    for (int repeat = 0; repeat < 2; ++repeat) {
      const std::vector<float> got = results_with(6);
      if (std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)) != 0) {
        std::_Exit(kDifferent);
      }
    }
    std::_Exit(kSame);
  } catch (const std::bad_alloc&) {
    std::_Exit(kNoMemory);
  }
}

bool limit_threads(rlim_t most) {
  // Root is exempt from the limit, and other processes of the user count. So change to a user without processes: tests
  // that run at the same time have different process identifiers. A container may have no users above 65535.
  const auto own = static_cast<unsigned int>(20000 + getpid() % 40000);
  if (geteuid() == 0 && (setgroups(0, nullptr) != 0 || setgid(own) != 0 || setuid(own) != 0)) {
    return false;
  }
  const rlimit limit{most, most};
  return setrlimit(RLIMIT_NPROC, &limit) == 0;
}

std::size_t threads_alive() {
  std::size_t count = 0;
  DIR* const directory = opendir("/proc/self/task");
  while (const dirent* const entry = readdir(directory)) {
    count += entry->d_name[0] == '.' ? 0 : 1;
  }
  closedir(directory);
  return count;
}

class ThreadShortageDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(ThreadShortageDeathTest, ALimitOfThreads) {
  for (const rlim_t most : {1, 2, 3, 4, 5, 6, 7, 8, 12}) {
    EXPECT_EXIT(exit_under([=] { return limit_threads(most); }), testing::ExitedWithCode(kSame), "") << most;
  }
}

/// A control group of this test program (version 1 or 2). Its file pids.max limits the threads of its processes.
std::filesystem::path control_group(const std::filesystem::path& root, pid_t program) {
  return root / ("backpass-test-" + std::to_string(program));
}

/// Where this process may make control groups that limit threads.
std::optional<std::filesystem::path> control_group_root() {
  for (const std::filesystem::path root : {"/sys/fs/cgroup/pids", "/sys/fs/cgroup"}) {
    const std::filesystem::path group = control_group(root, getpid());
    std::error_code error;
    if (std::filesystem::create_directory(group, error)) {
      const bool has_limit = std::ofstream(group / "pids.max").is_open();
      std::filesystem::remove(group, error);
      if (has_limit) {
        return root;
      }
    }
  }
  return std::nullopt;
}

/// Limits the threads of this process by a control group with the parent's process id in its name. The parent removes
/// it, because a group must be empty then.
bool join_control_group(const std::filesystem::path& root, int most) {
  const std::filesystem::path group = control_group(root, getppid());
  std::error_code error;
  std::filesystem::create_directory(group, error);
  // Closed, and so written, at the end of each line. 0 is the process that writes.
  std::ofstream(group / "pids.max") << most;
  std::ofstream(group / "cgroup.procs") << 0;
  int now = 0;
  int limit = 0;
  std::ifstream(group / "pids.current") >> now;
  std::ifstream(group / "pids.max") >> limit;
  return now == 1 && limit == most;
}

TEST_F(ThreadShortageDeathTest, ALimitOfAControlGroup) {
  const std::optional<std::filesystem::path> root = control_group_root();
  if (!root) {
    GTEST_SKIP() << "this process may not make control groups";
  }
  for (const int most : {1, 2, 3, 4}) {
    EXPECT_EXIT(exit_under([&] { return join_control_group(*root, most); }), testing::ExitedWithCode(kSame), "")
        << most;
    std::error_code error;
    std::filesystem::remove(control_group(*root, getpid()), error);
    EXPECT_FALSE(error) << error.message();
  }
}

TEST_F(ThreadShortageDeathTest, StacksThatAreTooLarge) {
  for (const char* variable : {"OMP_STACKSIZE", "GOMP_STACKSIZE"}) {
    for (const char* size : {"1000G", "100000G", " 9999999 M ", "1T", "99999999999999999999G", "nonsense"}) {
      setenv(variable, size, 1);  // the child is a new program, which reads the variable when it starts
      EXPECT_EXIT(exit_under([] { return true; }), testing::ExitedWithCode(kSame), "") << variable << "=" << size;
      unsetenv(variable);
    }
  }
}

#if !defined(BACKPASS_SANITIZED)  // sanitizers need the whole address space
std::size_t address_space() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

TEST_F(ThreadShortageDeathTest, ALimitOfMemory) {
  const auto ends_well = [](int status) {
    return WIFEXITED(status) && (WEXITSTATUS(status) == kSame || WEXITSTATUS(status) == kNoMemory);
  };
  for (const std::size_t megabytes : {0, 1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 28, 32, 40, 48, 64, 100, 200, 500}) {
    const auto limited = [=] {
      const rlim_t most = address_space() + (megabytes << 20);
      const rlimit limit{most, most};
      return setrlimit(RLIMIT_AS, &limit) == 0;
    };
    EXPECT_EXIT(exit_under(limited), ends_well, "") << megabytes << " MB";
  }
}
#endif

TEST_F(ThreadShortageDeathTest, ThreadsAreUsedOnceTheyAreThere) {
  if (config().openmp.empty()) {
    return;  // a build without OpenMP has one thread
  }
  const auto later = [] {
    // The hard limit stays 64, so that the process may raise its soft limit again.
    if (!limit_threads(64)) {
      std::_Exit(kUnable);
    }
    const rlimit none{1, 64};
    setrlimit(RLIMIT_NPROC, &none);
    results_with(4);
    const std::size_t first = threads_alive();
    const rlimit many{64, 64};
    setrlimit(RLIMIT_NPROC, &many);
    results_with(4);
    const std::size_t at_once = threads_alive();
    usleep(1'100'000);
    results_with(4);
    const std::size_t then = threads_alive();
    std::fprintf(stderr, "threads: %zu, %zu, %zu\n", first, at_once, then);
    // The call right after a refusal must not try again; a later call must. The last count includes the thread that
    // entered OpenMP's region.
    std::_Exit(first == 1 && at_once == 1 && then == 5 ? kSame : kDifferent);
  };
  EXPECT_EXIT(later(), testing::ExitedWithCode(kSame), "");
}

TEST(ObtainableThreads, AreAsManyAsRequestedOnAFreeSystem) {
  EXPECT_EQ(runtime::obtainable_threads(0), 0);
  for (const int requested : {1, 2, 7, 65}) {
    const std::size_t before = threads_alive();
    EXPECT_EQ(runtime::obtainable_threads(requested), requested);
    EXPECT_LE(threads_alive(), before);
  }
}

}  // namespace
}  // namespace backpass
#endif

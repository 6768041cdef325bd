// OpenMP's variables that bind threads to CPUs must not reduce the default number of threads or the size of a team.
// Each case runs a new program, since the OpenMP runtime reads the variables when it is loaded.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <backpass/runtime.hpp>

#include "runtime/cpu_limits.hpp"
#include "runtime/team.hpp"

#if defined(__linux__)
#include <sched.h>

namespace backpass::runtime {
namespace {

std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof(set), &set);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) {
      cpus.push_back(cpu);
    }
  }
  return cpus;
}

/// Prints the default number of threads, and the CPUs of the members of a team of that size. A place may be a core with
/// several CPUs, between which a thread may move. So one moment in which every thread has its own CPU is enough.
void report() {
  const int threads = get_num_threads();
  std::vector<std::atomic<int>> cpus(static_cast<std::size_t>(threads));
  std::atomic<int> size{0};
  std::vector<int> sorted;
  const auto all_differ = [&] { return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end(); };
  for (int attempt = 0; attempt < 100 && (attempt == 0 || !all_differ()); ++attempt) {
    parallel(threads, 1e9, [&](const Member& member) {
      member.barrier();  // all members run at the same time
      cpus[static_cast<std::size_t>(member.rank())] = sched_getcpu();
      size = member.size();
      member.barrier();
    });
    sorted.assign(cpus.begin(), cpus.end());
    std::sort(sorted.begin(), sorted.end());
  }
  std::fprintf(stderr, "threads %d team %d cpus", threads, size.load());
  for (const int cpu : sorted) {
    std::fprintf(stderr, " %d", cpu);
  }
  std::fprintf(stderr, ".\n");
  std::_Exit(0);
}

/// The output of report() as a regular expression. LLVM's runtime also binds the helper to a place, but in its own
/// order: the calling thread may have the same place.
std::string expected(const std::vector<int>& cpus) {
  const std::string count = std::to_string(cpus.size());
  std::string text = "threads " + count + " team " + count + " cpus";
#if defined(__clang__)
  if (cpus.size() > 1) {
    return text;
  }
#endif
  for (const int cpu : cpus) {
    text += " " + std::to_string(cpu);
  }
  return text + "\\.";
}

/// Uses at most two CPUs.
class BindingDeathTest : public testing::Test {
 protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    for (const char* variable : {"BACKPASS_NUM_THREADS", "OMP_NUM_THREADS"}) {
      unsetenv(variable);
    }
    CPU_ZERO(&before_);
    ASSERT_EQ(sched_getaffinity(0, sizeof(before_), &before_), 0);
    cpus_ = allowed_cpus();
    cpus_.resize(std::min<std::size_t>(cpus_.size(), static_cast<std::size_t>(std::min(available_cpus(), 2))));
    restrict_to(cpus_);
  }
  void TearDown() override { sched_setaffinity(0, sizeof(before_), &before_); }
  /// A new program with this variable set must print `said`.
  static void expect(const std::string& variable, const std::string& value, const std::string& said) {
    setenv(variable.c_str(), value.c_str(), 1);
    EXPECT_EXIT(report(), testing::ExitedWithCode(0), said) << variable << "=" << value;
    unsetenv(variable.c_str());
  }
  static void restrict_to(const std::vector<int>& cpus) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const int cpu : cpus) {
      CPU_SET(cpu, &set);
    }
    ASSERT_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
  }
  /// The CPUs in the syntax of OpenMP's variables.
  [[nodiscard]] std::string listed(const char* before, const char* between, const char* after) const {
    std::string text;
    for (const int cpu : cpus_) {
      text += (text.empty() ? "" : between) + (before + std::to_string(cpu)) + after;
    }
    return text;
  }

  cpu_set_t before_{};
  std::vector<int> cpus_;
};

TEST_F(BindingDeathTest, EachThreadHasACpuOfItsOwn) {
  if (config().openmp.empty()) {
    return;  // a build without OpenMP has one thread
  }
  for (const char* policy : {"true", "close", "spread"}) {
    expect("OMP_PROC_BIND", policy, expected(cpus_));
  }
  expect("OMP_PLACES", "threads", expected(cpus_));
  expect("OMP_PLACES", listed("{", ",", "}"), expected(cpus_));
  expect("GOMP_CPU_AFFINITY", listed("", " ", ""), expected(cpus_));
}

TEST_F(BindingDeathTest, AnExplicitLimitIsUsed) {
  const std::vector<int> one{cpus_.back()};
  if (!config().openmp.empty()) {
    expect("GOMP_CPU_AFFINITY", std::to_string(one.front()), "threads 1 team 1");
  }
  restrict_to(one);
  expect("BACKPASS_NUM_THREADS", "", expected(one));
  expect("OMP_PROC_BIND", "true", expected(one));
  expect("OMP_PROC_BIND", "spread", expected(one));
  expect("OMP_PLACES", "threads", expected(one));
}

}  // namespace
}  // namespace backpass::runtime
#endif

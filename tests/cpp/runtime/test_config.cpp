// The number of threads that the environment sets.
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include <backpass/network.hpp>
#include <backpass/runtime.hpp>

#include "environment.hpp"
#include "runtime/cpu_limits.hpp"

namespace backpass {
namespace {

constexpr int kRefused = 100;
constexpr int kUnclear = 101;

/// Runs get_num_threads() in a fresh process, which reads the environment again, and exits with its result.
void exit_with_threads(const char* own, const char* openmp) {
  test::set_variable("BACKPASS_NUM_THREADS", own);
  test::set_variable("OMP_NUM_THREADS", openmp);
  try {
    std::_Exit(get_num_threads());
  } catch (const std::runtime_error& error) {
    std::_Exit(std::string(error.what()).find(std::string("BACKPASS_NUM_THREADS=") + own) == 0 ? kRefused : kUnclear);
  }
}

class ThreadsDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(ThreadsDeathTest, TheVariableIsUsed) {
  EXPECT_EXIT(exit_with_threads("1", "7"), testing::ExitedWithCode(1), "");
  EXPECT_EXIT(exit_with_threads("", "1"), testing::ExitedWithCode(1), "");
  EXPECT_EXIT(exit_with_threads("", "1,2"), testing::ExitedWithCode(1), "");
}

TEST_F(ThreadsDeathTest, OtherTextsThanANumberOfThreadsAreAnError) {
  for (const char* wrong : {"0", "-1", "abc", "1.5", "2 threads", " ", "1,2", "-99999999999999999999"}) {
    EXPECT_EXIT(exit_with_threads(wrong, "1"), testing::ExitedWithCode(kRefused), "") << wrong;
  }
}

TEST_F(ThreadsDeathTest, ANumberAboveTheLimitIsReduced) {
  const int cpus = runtime::available_cpus();
  EXPECT_EXIT(exit_with_threads("99999999999999999999", ""), testing::ExitedWithCode(cpus), "");
  EXPECT_EXIT(exit_with_threads("4000", ""), testing::ExitedWithCode(cpus), "");
}

TEST_F(ThreadsDeathTest, ANetworkIsNotMadeUnderAWrongOne) {
  const auto make = [] {
    test::set_variable("BACKPASS_NUM_THREADS", "many");
    try {
      const Network<float> net({.sizes = {2, 1}, .seed = 0});
      std::_Exit(0);
    } catch (const std::runtime_error&) {
      std::_Exit(kRefused);
    }
  };
  EXPECT_EXIT(make(), testing::ExitedWithCode(kRefused), "");
}

}  // namespace
}  // namespace backpass

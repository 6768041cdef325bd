// Every way in which a program may end while the library has threads: the exit code is the program's, and nothing
// crashes.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <backpass/network.hpp>
#include <backpass/runtime.hpp>

#include "runtime/team.hpp"

namespace backpass {
namespace {

constexpr int kRepeats = 5;  ///< of tests that depend on timing

/// A network whose predictions use a team.
class Predicts {
 public:
  Predicts() : network_({.sizes = {64, 128, 10}, .seed = 0}), x_(kRows * 64, 0.5F), expected_(kRows * 10) {
    predict_into(expected_);
  }
  [[nodiscard]] bool same() const {
    std::vector<float> out(expected_.size());
    predict_into(out);
    return std::memcmp(out.data(), expected_.data(), out.size() * sizeof(float)) == 0;
  }

 private:
  static constexpr std::size_t kRows = 400;
  void predict_into(std::vector<float>& out) const {
    network_.predict(ConstMatrixView<float>(x_.data(), kRows, 64), MatrixView<float>(out.data(), kRows, 10), 3);
  }
  Network<float> network_;
  std::vector<float> x_, expected_;
};

/// Predicts in its destructor, if it has a network.
struct AtEnd {
  std::unique_ptr<Predicts> predicts;
  const char* name;
  explicit AtEnd(const char* text) : name(text) {}
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;
  ~AtEnd() {
    if (predicts) {
      std::fprintf(stderr, "%s %s. ", name, predicts->same() ? "same" : "different");
    }
  }
};

// Constructed before the library's objects, and so destroyed after them.
#if defined(__ELF__)
__attribute__((init_priority(200)))
#endif
AtEnd last("last");

/// Starts threads that predict until the program ends.
void start_workers(int count) {
  const auto* const predicts = new Predicts;  // NOLINT: used until the end
  static std::atomic<int> working{0};
  for (int i = 0; i < count; ++i) {
    std::thread([predicts] {
      bool told = false;
      while (true) {
        if (!predicts->same()) {
          std::_Exit(99);
        }
        if (!std::exchange(told, true)) {
          ++working;
        }
      }
    }).detach();
  }
  while (working < count) {
    std::this_thread::yield();
  }
}

class ProcessEndDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(ProcessEndDeathTest, StaticObjectsPredictInTheirDestructors) {
  const auto program = [] {
    static AtEnd first("first");
    first.predicts = std::make_unique<Predicts>();
    last.predicts = std::make_unique<Predicts>();
    std::exit(7);
  };
  EXPECT_EXIT(program(), testing::ExitedWithCode(7), "first same.*last same");
}

TEST_F(ProcessEndDeathTest, ExitWithIdleThreads) {
  const auto program = [] {
    const Predicts predicts;
    std::exit(predicts.same() ? 7 : 8);
  };
  EXPECT_EXIT(program(), testing::ExitedWithCode(7), "");
}

TEST_F(ProcessEndDeathTest, ExitWhileOtherThreadsPredict) {
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const auto program = [] {
      start_workers(3);
      std::exit(7);
    };
    EXPECT_EXIT(program(), testing::ExitedWithCode(7), "");
  }
}

TEST_F(ProcessEndDeathTest, ExitFromAWorker) {
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const auto program = [] {
      start_workers(2);
      std::thread([] {
        const Predicts predicts;
        std::exit(predicts.same() ? 7 : 8);
      }).detach();
      while (true) {
        std::this_thread::yield();
      }
    };
    EXPECT_EXIT(program(), testing::ExitedWithCode(7), "");
  }
}

#if !defined(__APPLE__) && !defined(_WIN32)
TEST_F(ProcessEndDeathTest, QuickExit) {
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const auto program = [] {
      start_workers(2);
      std::quick_exit(7);
    };
    EXPECT_EXIT(program(), testing::ExitedWithCode(7), "");
  }
}
#endif

TEST_F(ProcessEndDeathTest, ExitFromAFunctionOfTheUser) {
  const auto program = [] {
    start_workers(1);
    const auto leave = [](double z) {
      std::exit(7);
      return z;
    };
    const Network<float> network({.sizes = {4, 1}, .activation = {Activation::custom(leave, leave)}, .seed = 0});
    const std::vector<float> x(4, 1.0F);
    std::vector<float> out(1);
    network.predict(ConstMatrixView<float>(x.data(), 1, 4), MatrixView<float>(out.data(), 1, 1));
    std::exit(8);
  };
  EXPECT_EXIT(program(), testing::ExitedWithCode(7), "");
}

TEST_F(ProcessEndDeathTest, ExitAfterAnExceptionOfAMember) {
  const auto program = [] {
    try {
      runtime::parallel(3, 1e9, [](const runtime::Member& member) {
        if (member.rank() == member.size() - 1) {
          throw std::runtime_error("a member's");
        }
        member.barrier();
      });
    } catch (const std::runtime_error&) {
      std::exit(7);
    }
  };
  EXPECT_EXIT(program(), testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace backpass

/// Makes every allocation of saving and loading fail in turn. Each failure must give std::bad_alloc, change nothing,
/// leak nothing and leave no file.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <new>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <backpass/error.hpp>
#include <backpass/runtime.hpp>
#include <backpass/serialize.hpp>

#include "io/allocations.hpp"
#include "io/random_networks.hpp"
#include "io/temporary_directory.hpp"

namespace backpass {
namespace {

using Bytes = std::vector<std::byte>;

/// The child process writes its result here, so that the parent can read it even if the child is killed.
struct Report {
  std::int64_t num_failures = 0;  ///< number of allocations that have failed, each in a separate call
  bool is_finished = false;
  char wrong[200] = "";
};

/// Makes the n-th allocation of act() fail, for every n. Runs in a child process, so that std::terminate() ends only
/// the child.
/// \param is_unchanged  called after every failure
void fail_every_allocation(const std::function<void()>& act, const std::function<bool()>& is_unchanged) {
  void* const shared = ::mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  for (const bool stays_short : {false, true}) {
    auto* const report = new (shared) Report();
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto say = [&](const char* what) { std::snprintf(report->wrong, sizeof report->wrong, "%s", what); };
      act();  // makes the objects that are created on first use
      while (!report->is_finished && report->wrong[0] == '\0') {
        const std::size_t before = test::allocated_bytes();
        bool has_failed = false;
        {
          const test::FailingAllocation failure(report->num_failures, stays_short);
          try {
            act();
            report->is_finished = !failure.has_failed();
            if (failure.has_failed()) {
              say("continued although an allocation failed");
            }
          } catch (const std::bad_alloc&) {
            has_failed = true;
          } catch (const std::exception& error) {
            say(error.what());
          }
        }
        report->num_failures += has_failed ? 1 : 0;
        if (test::allocated_bytes() != before) {
          say("leaked");
        } else if (has_failed && !is_unchanged()) {
          say("changed something");
        }
      }
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status) << " at allocation "
                                   << report->num_failures;
    EXPECT_STREQ(report->wrong, "") << "at allocation " << report->num_failures;
    EXPECT_TRUE(report->is_finished);
    EXPECT_GT(report->num_failures, 20);
  }
  ::munmap(shared, sizeof(Report));
}

template <class T>
class OutOfMemory : public testing::Test {
 protected:
  OutOfMemory() {
    set_num_threads(1);  // because a child process has only the thread that forked
    network_.layer(1).set_lr_scale(0.5);
    network_.layer(1).set_bias_lr_scale(0.5);
    test::train<T>(network_, nadam_, 2, 1);
    options_ = {.optimizer = nadam_,
                .schedule = &schedule_,
                .epochs = 3,
                .steps = 17,
                .metadata = {{"a", std::string(100, 'b')}, {"a longer key than fits into a string", ""}}};
    save(path_, network_, options_);
    file_ = read_file();
  }

  [[nodiscard]] std::string read_file() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] bool is_unchanged() const {
    const Bytes bytes = to_bytes(network_, options_);
    return read_file() == file_ && bytes.size() == file_.size() &&
           std::memcmp(bytes.data(), file_.data(), bytes.size()) == 0 &&
           directory_.names() == std::vector<std::string>{"model"};
  }
  void fail_in(const std::function<void()>& act) {
    fail_every_allocation(act, [this] { return is_unchanged(); });
  }

  test::TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "model";
  Network<T> network_{{.sizes = {3, 5, 4, 2},
                       .activation = std::vector{Activation::elu(0.5), Activation::relu(), Activation::softmax()},
                       .dropout = 0.1,
                       .seed = 1}};
  NAdam nadam_{.lr = 0.01};
  Schedule schedule_ = schedules::LinearWarmup{
      .steps = 4, .start_factor = 0.1, .then = std::make_shared<Schedule>(schedules::ReduceOnPlateau{})};
  SaveOptions options_;
  std::string file_;
};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(OutOfMemory, Types);

TYPED_TEST(OutOfMemory, Save) {
  // Every call saves different content. Only the content of the first call, which has enough memory, may reach the
  // disk.
  this->options_.steps = 0;
  const Bytes bytes = to_bytes(this->network_, this->options_);
  this->file_.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  SaveOptions options = this->options_;
  std::int64_t calls = 0;
  this->fail_in([&] {
    options.steps = calls++;
    save(this->path_, this->network_, options);
  });
}

TYPED_TEST(OutOfMemory, ToBytes) {
  this->fail_in([this] { static_cast<void>(to_bytes(this->network_, this->options_)); });
}

TYPED_TEST(OutOfMemory, FromBytes) {
  const Bytes bytes = to_bytes(this->network_, this->options_);
  this->fail_in([&] { static_cast<void>(from_bytes(bytes)); });
}

TYPED_TEST(OutOfMemory, LoadAnySavedTraining) {
  this->fail_in([this] { static_cast<void>(load_any_checkpoint(this->path_)); });
}

TYPED_TEST(OutOfMemory, LoadCheckpoint) {
  this->fail_in([this] { static_cast<void>(load_checkpoint<TypeParam>(this->path_)); });
}

TYPED_TEST(OutOfMemory, NetworkLoad) {
  this->fail_in([this] { static_cast<void>(Network<TypeParam>::load(this->path_)); });
}

/// A damaged file, while memory for the error message is also short.
TYPED_TEST(OutOfMemory, DamagedFile) {
  Bytes bytes = to_bytes(this->network_, this->options_);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  bytes[text.find("softmax")] = std::byte{'S'};
  this->fail_in([&] {
    try {
      static_cast<void>(from_bytes(bytes));
    } catch (const FormatError&) {  // the call that has enough memory
    }
  });
}

}  // namespace
}  // namespace backpass

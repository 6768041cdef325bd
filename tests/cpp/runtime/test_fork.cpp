// A process forks while other threads are inside calls on the same network. The child's calls on that network must end
// with the right result. BACKPASS_TEST_FORKS sets the number of forks; docs/reliability.md has the result of 10,000
// forks.
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <backpass/network.hpp>
#include <backpass/runtime.hpp>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/wait.h>
#include <unistd.h>

namespace backpass {
namespace {

int number_of_forks() {
  const char* text = std::getenv("BACKPASS_TEST_FORKS");
  return text == nullptr ? 300 : std::stoi(text);
}

/// A network and its data. The reference results come from the same calls before any thread was started.
struct Job {
  Network<float> network;
  std::vector<float> x;
  std::vector<float> y;
  std::size_t rows;

  Job(const std::vector<std::size_t>& sizes, std::size_t count)
      : network({.sizes = sizes, .seed = 0}), x(count * sizes.front()), y(count * sizes.back(), 0.5F), rows(count) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = static_cast<float>(i % 7) - 3.0F;
    }
  }
  [[nodiscard]] std::vector<float> predict() const {
    std::vector<float> out(y.size());
    network.predict(inputs(), MatrixView<float>(out.data(), rows, network.sizes().back()));
    return out;
  }
  [[nodiscard]] double evaluate() const {
    const ConstMatrixView<float> targets(y.data(), rows, network.sizes().back());
    return network.evaluate(inputs(), targets, MeanSquaredError{});
  }
  [[nodiscard]] ConstMatrixView<float> inputs() const { return {x.data(), rows, network.sizes().front()}; }
};

void fork_while_threads_work(const Job& job, int forks) {
  const std::vector<float> output = job.predict();
  const double loss = job.evaluate();
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      while (!stop) {
        if (t < 2) {
          (void)job.predict();
        } else {
          (void)job.evaluate();
        }
      }
    });
  }
  int hung = 0;
  int wrong = 0;
  for (int i = 0; i < forks; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      const std::vector<float> out = job.predict();
      const bool same = std::memcmp(out.data(), output.data(), out.size() * sizeof(float)) == 0;
      _exit(same && job.evaluate() == loss ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    hung += WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? 1 : 0;
    wrong += WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
  }
  stop = true;
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(hung, 0);
  EXPECT_EQ(wrong, 0);
}

TEST(ForkedChild, OfThreadsThatMakeSmallCalls) { fork_while_threads_work(Job({4, 8, 2}, 1), number_of_forks()); }

TEST(ForkedChild, OfTeams) {
  const int before = get_num_threads();
  set_num_threads(3);
  fork_while_threads_work(Job({64, 128, 10}, 200), number_of_forks() / 10);
  set_num_threads(before);
}

}  // namespace
}  // namespace backpass
#endif

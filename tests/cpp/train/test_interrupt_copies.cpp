// Loops over large arrays outside of passes poll: copies, first steps, fit's snapshot, checks, metrics, files. If they
// end early, nothing has changed.
#include <backpass/backpass.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <new>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace backpass {
namespace {

struct CallEnded {};

/// Runs `call` and throws E at its n-th check. \returns the number of checks
template <class E>
int run_until(int n, const std::function<void()>& call) {
  int checks = 0;
  try {
    const InterruptScope scope(
        [&] {
          if (++checks == n) {
            throw E();
          }
        },
        std::chrono::nanoseconds(0));
    call();
  } catch (const E&) {
    EXPECT_EQ(checks, n);
  }
  return checks;
}

/// Ends `call` at every check. `unchanged` compares with the state before the call. \returns the number of checks
int end_at_every_check(const std::function<void()>& call, const std::function<void()>& unchanged) {
  for (int n = 1;; ++n) {
    if (run_until<CallEnded>(n, call) < n) {
      return n - 1;
    }
    unchanged();
  }
}

std::vector<float> values_of(std::span<const float> values) { return {values.begin(), values.end()}; }

constexpr std::size_t kWideLayer = 800;  // 640,800 parameters: three parts

class InterruptOfCopies : public testing::Test {
 protected:
  Network<float> net_{{.sizes = {kWideLayer, kWideLayer}, .seed = 1}};
  std::vector<float> before_ = values_of(net_.parameters());
};

TEST_F(InterruptOfCopies, EndsCopies) {
  // Parameters and gradients.
  EXPECT_GE(end_at_every_check([&] { (void)net_.copy(); }, [] {}), 6);
  Network<float> target({.sizes = {2, 2}, .seed = 2});
  EXPECT_GE(end_at_every_check([&] { target = net_; }, [&] { EXPECT_EQ(target.num_parameters(), 6U); }), 6);
  EXPECT_EQ(values_of(target.parameters()), before_);
}

TEST_F(InterruptOfCopies, EndsConversions) {
  const int zeros = end_at_every_check(
      [&] {
        (void)Network<double>(
            {.sizes = {kWideLayer, kWideLayer}, .init = Initializer{InitializerKind::zeros}, .seed = 1});
      },
      [] {});
  EXPECT_GE(end_at_every_check([&] { (void)net_.converted<double>(); }, [] {}), zeros + 3);
}

TEST_F(InterruptOfCopies, EndsTheFirstStepBeforeItChangesAnything) {
  (void)net_.gradients();  // the caller may have written them
  Adam adam;
  const auto unchanged = [&] {
    EXPECT_EQ(values_of(net_.parameters()), before_);
    EXPECT_TRUE(adam.state.empty());
    EXPECT_TRUE(adam.state.slots_f32.empty());
  };
  EXPECT_GE(end_at_every_check([&] { net_.step(adam); }, unchanged), 6);  // two slots
  EXPECT_EQ(adam.state.slots_f32.at(1), std::vector<float>(before_.size(), 0.0F));
  EXPECT_EQ(run_until<CallEnded>(1, [&] { net_.step(adam); }), 0) << "a step cannot be ended";
}

TEST_F(InterruptOfCopies, EndsToBytes) {
  EXPECT_GE(end_at_every_check([&] { (void)to_bytes(net_); }, [] {}), 6);
}

TEST_F(InterruptOfCopies, EndsSaveAndKeepsTheOldFile) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "backpass_interrupt_of_save";
  std::filesystem::create_directory(folder);
  const std::filesystem::path path = folder / "net";
  const Network<float> large({.sizes = {3000, 2000}, .seed = 3});  // 24 MB: three windows that are flushed early
  Network<float>({.sizes = {2, 2}, .seed = 4}).save(path);
  int checks = 0;
  for (int n = 1;; n += 1 + n / 8) {
    checks = run_until<CallEnded>(n, [&] { large.save(path); });
    if (checks < n) {
      break;
    }
    ASSERT_EQ(Network<float>::load(path).num_parameters(), 6U) << "ended at check " << n;
    ASSERT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1) << "a temporary file is left";
  }
  EXPECT_EQ(Network<float>::load(path).num_parameters(), large.num_parameters());
  EXPECT_GE(checks, 48);  // two per MB
  std::filesystem::remove_all(folder);
}

/// A training whose snapshots have several parts. Two steps per epoch.
struct WideTask {
  static constexpr std::size_t kRows = 8;
  static constexpr std::size_t kInputs = 600;
  WideTask() {
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = static_cast<float>(Philox(5).uniform(i));
    }
  }
  std::vector<float> x = std::vector<float>(kRows * kInputs), y = std::vector<float>(kRows * kInputs, 1.0F);
  [[nodiscard]] ConstMatrixView<float> inputs(std::size_t first, std::size_t rows) const {
    return {x.data() + first * kInputs, rows, kInputs};
  }
  [[nodiscard]] ConstMatrixView<float> targets(std::size_t first, std::size_t rows) const {
    return {y.data() + first * kInputs, rows, kInputs};
  }
};

/// Ends a fit at many checks by an exception E and compares with as many steps as fit has finished.
/// \param unit  the number of steps is a multiple of it
template <class E>
void expect_finished_steps(std::int64_t unit) {
  const WideTask data;
  const NetworkOptions options{.sizes = {WideTask::kInputs, WideTask::kInputs}, .seed = 3};
  std::vector<std::vector<float>> after{values_of(Network<float>(options).parameters())};
  {
    Network<float> net(options);
    Adam adam;
    for (std::size_t i = 0; i < 6; ++i) {
      const std::size_t first = i % 2 * 4;
      (void)net.train_step(data.inputs(first, 4), data.targets(first, 4), MeanSquaredError{}, adam);
      after.push_back(values_of(net.parameters()));
    }
  }
  for (int n = 1;; n += 1 + n / 32) {
    Network<float> net(options);
    Adam adam;
    const int checks = run_until<E>(n, [&] {
      (void)net.fit(data.inputs(0, 8), data.targets(0, 8), MeanSquaredError{}, adam,
                    {.epochs = 3, .batch_size = 4, .shuffle = false});
    });
    const std::int64_t steps = adam.state.empty() ? 0 : adam.state.groups.front().step;
    EXPECT_EQ(steps % unit, 0);
    ASSERT_EQ(values_of(net.parameters()), after.at(static_cast<std::size_t>(steps))) << "ended at check " << n;
    if (checks < n) {
      EXPECT_EQ(steps, 6);
      return;
    }
  }
}

TEST(InterruptOfSnapshot, LeavesTheLastFinishedStep) { expect_finished_steps<CallEnded>(1); }
/// Out of memory restores the last finished epoch, but never an incomplete snapshot.
TEST(InterruptOfSnapshot, RestoresNoIncompleteSnapshot) { expect_finished_steps<std::bad_alloc>(2); }

TEST(InterruptOfSnapshot, SnapshotsPoll) {
  const WideTask data;
  const auto checks_of = [&](std::size_t epochs) {
    Network<float> net({.sizes = {WideTask::kInputs, WideTask::kInputs}, .seed = 3});
    SGD sgd;
    return run_until<CallEnded>(1 << 30, [&] {
      (void)net.fit(data.inputs(0, 4), data.targets(0, 4), MeanSquaredError{}, sgd,
                    {.epochs = epochs, .batch_size = 4});
    });
  };
  Network<float> net({.sizes = {WideTask::kInputs, WideTask::kInputs}, .seed = 3});
  SGD sgd;
  const int step = run_until<CallEnded>(
      1 << 30, [&] { (void)net.train_step(data.inputs(0, 4), data.targets(0, 4), MeanSquaredError{}, sgd); });
  // One poll before the step, and two each in the check of the parameters and in the snapshot.
  EXPECT_GE(checks_of(2) - checks_of(1), step + 5);
}

/// Loops over the elements of long arrays.
class InterruptOfArrays : public testing::Test {
 protected:
  static constexpr std::size_t kRows = std::size_t{3} << 19U;
  std::vector<float> a_ = std::vector<float>(kRows, 0.5F), y_ = std::vector<float>(kRows, 1.0F);
  ConstMatrixView<float> a() const { return {a_.data(), kRows, 1}; }
  ConstMatrixView<float> y() const { return {y_.data(), kRows, 1}; }
};

TEST_F(InterruptOfArrays, EndsActivations) {
  std::vector<float> out(kRows);
  const MatrixView<float> to(out.data(), kRows, 1);
  EXPECT_GE(end_at_every_check([&] { Activation::gelu().apply(a(), to); }, [] {}), 20);
}

TEST_F(InterruptOfArrays, EndsLossesAndTheirChecks) {
  const auto checks_of = [&](const Loss& loss, std::span<const float> weights) {
    return end_at_every_check([&] { (void)evaluate_loss<float>(loss, a(), y(), {}, weights); }, [] {});
  };
  const int values = checks_of(MeanSquaredError{}, {});
  EXPECT_GE(values, 20);
  EXPECT_GE(checks_of(MeanSquaredError{}, y_), values + 4);    // the weights
  EXPECT_GE(checks_of(BinaryCrossEntropy{}, {}), values + 1);  // the range of the targets
}

TEST_F(InterruptOfArrays, EndsMetrics) {
  for (const Metric metric : {Metric::accuracy, Metric::r2, Metric::mae}) {
    const int checks = end_at_every_check([&] { (void)compute_metric<float>(metric, a(), y(), false); }, [] {});
    EXPECT_GE(checks, metric == Metric::mae ? 5 : 10) << metric_name(metric);
  }
}

TEST(InterruptOfEmptyRows, DividesNothingByZero) {
  const std::vector<float> none(1);
  std::vector<float> out(1);
  constexpr std::size_t kRows = 3'000'000;
  Activation::softmax().apply(ConstMatrixView<float>(none.data(), kRows, 0), MatrixView<float>(out.data(), kRows, 0));
}

/// A file that is smaller than what the disk gets at once: only the loop that writes polls.
TEST(InterruptOfFiles, EachPieceIsFollowedByAPoll) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "backpass_interrupt_of_files";
  const std::vector<std::byte> bytes(std::size_t{4} << 20U);
  int checks = 0;
  {
    const backpass::InterruptScope scope([&] { ++checks; }, std::chrono::nanoseconds(0));
    backpass::replace_file(path, bytes);
  }
  std::filesystem::remove(path);
  EXPECT_GE(checks, 4);
}

}  // namespace
}  // namespace backpass

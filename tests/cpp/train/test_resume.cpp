// Training that is interrupted at any step, or in validation, continues from a file with the bits of uninterrupted
// training.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include <backpass/backpass.hpp>

#include "train/task.hpp"

namespace backpass {
namespace {

constexpr std::size_t kRows = 23;
constexpr std::size_t kBatch = 5;
constexpr std::size_t kSteps = 4;  // per epoch; a fifth of the rows is for validation
constexpr std::size_t kEpochs = 5;

struct Interruption : std::runtime_error {
  Interruption() : std::runtime_error("interrupted") {}
};

/// Half the squared error; throws in call number `end`. Training calls it once per step, validation at least once.
Loss squares_until(std::size_t& calls, std::size_t end) {
  CustomLoss loss;
  loss.function_f32 = [](auto, auto, auto) { return 0.0; };
  loss.function_f64 = [&calls, end](ConstMatrixView<double> a, const Targets<double>& y, MatrixView<double> grad) {
    if (calls++ == end) {
      throw Interruption();
    }
    double sum = 0.0;
    for (std::size_t r = 0; r < a.rows(); ++r) {
      const double difference = a(r, 0) - y.values()(r, 0);
      sum += difference * difference / 2.0;
      grad(r, 0) = difference / static_cast<double>(a.rows());
    }
    return sum / static_cast<double>(a.rows());
  };
  return loss;
}

Network<double> network_with_dropout() {
  return Network<double>({.sizes = {3, 16, 1}, .activation = Activation::tanh(), .dropout = {0.2}, .seed = 4});
}

FitOptions<double> options_of(std::size_t epochs, Schedule& schedule) {
  return {.epochs = epochs,
          .batch_size = kBatch,
          .validation_split = 0.2,
          .schedule = &schedule,
          .early_stopping = EarlyStopping{.patience = 100},
          .seed = 9};
}

/// A series from entry `from` on. Used for all series except "seconds", which differs between runs.
std::vector<double> tail(const History& history, const char* name, std::size_t from) {
  const std::vector<double>& series = history[name];
  return {series.begin() + static_cast<std::ptrdiff_t>(from), series.end()};
}

TEST(Resume, GoesOnFromEveryStepOfAnEpochWithTheSameBits) {
  const Task task(kRows);
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "backpass_resume";
  for (const Schedule& schedule : {Schedule(schedules::Cosine{.period = 12}),
                                   Schedule(schedules::ReduceOnPlateau{.factor = 0.5, .patience = 0})}) {
    std::size_t calls = 0;
    Network<double> whole = network_with_dropout();
    Adam adam;
    Schedule followed = schedule;
    const History expected =
        whole.fit(task.X, task.Y, squares_until(calls, SIZE_MAX), adam, options_of(kEpochs, followed));
    const std::size_t all = calls;
    ASSERT_GE(all, kEpochs * (kSteps + 1));

    std::vector<std::size_t> positions;
    for (std::size_t end = 0; end < all; ++end) {
      // The first part, saved in the state that the exception left.
      Network<double> part = network_with_dropout();
      Adam part_adam;
      Schedule part_schedule = schedule;
      TrainingMemory memory;
      std::size_t finished = 0;
      FitOptions<double> options = options_of(kEpochs, part_schedule);
      options.memory = &memory;
      options.on_epoch_end = [&](const EpochReport&) { return ++finished, false; };
      calls = 0;
      EXPECT_THROW(part.fit(task.X, task.Y, squares_until(calls, end), part_adam, options), Interruption);
      positions.push_back(memory.position.steps);
      part.save(path, {.optimizer = part_adam,
                       .schedule = &part_schedule,
                       .epochs = finished,
                       .steps = static_cast<std::int64_t>(finished * kSteps + memory.position.steps),
                       .memory = &memory});

      Checkpoint<double> saved = load_checkpoint<double>(path);
      ASSERT_EQ(saved.memory.position.steps, memory.position.steps);
      options = options_of(kEpochs - finished, *saved.schedule);
      options.memory = &saved.memory;
      options.first_epoch = saved.epochs;
      options.first_step = saved.steps;
      const History rest = saved.network.fit(task.X, task.Y, squares_until(calls, SIZE_MAX), *saved.optimizer, options);
      ASSERT_EQ(parameters_of(saved.network), parameters_of(whole)) << "interrupted in call " << end;
      EXPECT_EQ(rest.best_epoch, expected.best_epoch);
      for (const char* name : {"loss", "val_loss", "lr"}) {
        EXPECT_EQ(tail(rest, name, 0), tail(expected, name, finished)) << name << ", interrupted in call " << end;
      }
    }
    // The loop covered every position in an epoch.
    for (std::size_t steps = 0; steps <= kSteps; ++steps) {
      EXPECT_NE(std::find(positions.begin(), positions.end(), steps), positions.end()) << steps;
    }
  }
  std::filesystem::remove(path);
}

TEST(Resume, RefusesAPositionThatTheEpochDoesNotHave) {
  const Task task(kRows);
  Network<double> net = network_with_dropout();
  const std::vector<double> before = parameters_of(net);
  SGD sgd;
  Schedule schedule = schedules::Constant{};
  TrainingMemory memory;
  memory.position.steps = kSteps + 1;
  FitOptions<double> options = options_of(1, schedule);
  options.early_stopping.reset();
  options.memory = &memory;
  options.first_step = 100;
  EXPECT_THROW(net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options), std::invalid_argument);
  memory.position.steps = 2;
  options.first_step = 1;
  EXPECT_THROW(net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options), std::invalid_argument);
  EXPECT_EQ(parameters_of(net), before);
  EXPECT_EQ(memory.position.steps, 2U);
  // A new training ignores the position.
  options.first_step = 0;
  net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options);
  EXPECT_EQ(memory.position.steps, 0U);
}

}  // namespace
}  // namespace backpass

// Training that is interrupted at any step, or in validation, continues from a file with the bits of uninterrupted
// training.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <variant>
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
          .dropout_schedule = schedule,
          .weight_decay_schedule = schedule,
          .early_stopping = EarlyStopping{.patience = 100},
          .seed = 9};
}

TEST(Resume, ContinuesFromEveryStepOfAnEpochWithTheSameBits) {
  const Task task(kRows);
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "backpass_resume";
  for (const Schedule& schedule : {Schedule(schedules::Cosine{.period = 12}),
                                   Schedule(schedules::ReduceOnPlateau{.factor = 0.5, .patience = 0})}) {
    std::size_t calls = 0;
    Network<double> whole = network_with_dropout();
    Adam adam{.weight_decay = 0.1};
    Schedule followed = schedule;
    const History expected =
        whole.fit(task.X, task.Y, squares_until(calls, SIZE_MAX), adam, options_of(kEpochs, followed));
    const std::size_t all = calls;
    ASSERT_GE(all, kEpochs * (kSteps + 1));

    std::vector<std::size_t> positions;
    for (std::size_t end = 0; end < all; ++end) {
      // The first part, saved in the state that the exception left.
      Network<double> part = network_with_dropout();
      Adam part_adam{.weight_decay = 0.1};
      Schedule part_schedule = schedule;
      TrainingMemory memory;
      FitOptions<double> options = options_of(kEpochs, part_schedule);
      options.memory = &memory;
      calls = 0;
      EXPECT_THROW(part.fit(task.X, task.Y, squares_until(calls, end), part_adam, options), Interruption);
      positions.push_back(memory.position.epoch_steps);
      part.save(path, {.optimizer = part_adam, .schedule = &part_schedule, .memory = &memory});

      // The second part has new objects.
      Network<double> net = network_with_dropout();
      Adam own{.weight_decay = 0.1};
      Schedule own_schedule = schedule;
      options = options_of(kEpochs, own_schedule);
      options.resume_from = path;
      const History history = net.fit(task.X, task.Y, squares_until(calls, SIZE_MAX), own, options);
      ASSERT_EQ(parameters_of(net), parameters_of(whole)) << "interrupted in call " << end;
      EXPECT_EQ(own.weight_decay, 0.1);
      EXPECT_EQ(history.best_epoch, expected.best_epoch);
      EXPECT_EQ(history.epochs, kEpochs);
      for (const char* name : {"loss", "val_loss", "lr"}) {
        EXPECT_EQ(history[name], expected[name]) << name << ", interrupted in call " << end;
      }
    }
    // The loop covered every position in an epoch.
    for (std::size_t steps = 0; steps <= kSteps; ++steps) {
      EXPECT_NE(std::find(positions.begin(), positions.end(), steps), positions.end()) << steps;
    }
  }
  std::filesystem::remove(path);
}

TEST(Resume, AFileOfEveryEpochContinues) {
  const Task task(kRows);
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "backpass_resume_epochs";
  const auto fit = [&](Network<double>& net, std::size_t epochs, bool resumes) {
    Adam adam;
    Schedule schedule = schedules::ReduceOnPlateau{.factor = 0.5, .patience = 0};
    FitOptions<double> options = options_of(epochs, schedule);
    options.checkpoint = path;
    options.resume_from = resumes ? path : "";
    return net.fit(task.X, task.Y, MeanSquaredError{}, adam, options);
  };
  Network<double> whole = network_with_dropout();
  const History expected = fit(whole, kEpochs, false);
  for (std::size_t epochs = 1; epochs <= kEpochs; ++epochs) {
    Network<double> net = network_with_dropout();
    const History history = fit(net, epochs, epochs > 1);
    EXPECT_EQ(history.epochs, epochs);
    EXPECT_EQ(load_checkpoint<double>(path).epochs, epochs);
    if (epochs == kEpochs) {
      EXPECT_EQ(parameters_of(net), parameters_of(whole));
      EXPECT_EQ(history["lr"], expected["lr"]);
    }
  }
  std::filesystem::remove(path);
}

TEST(Resume, RefusesAFileThatContradictsTheArgumentsAndChangesNothing) {
  const Task task(kRows);
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "backpass_resume_refused";
  Network<double> net = network_with_dropout();
  const std::vector<double> before = parameters_of(net);
  SGD sgd;
  Schedule schedule = schedules::Constant{};
  FitOptions<double> options = options_of(3, schedule);
  options.resume_from = path;
  TrainingMemory memory;
  memory.seed = 9;
  memory.base_lr = sgd.lr;
  memory.dropout_schedule = memory.weight_decay_schedule = schedule;
  for (const char* name : {"loss", "val_loss", "lr", "seconds"}) {
    memory.history.series.emplace_back(name, std::vector<double>(2));
  }
  memory.position.epochs = 2;
  const auto fits = [&](std::size_t steps, std::size_t epoch_steps) {
    memory.position.steps = steps;
    memory.position.epoch_steps = epoch_steps;
    net.save(path, {.optimizer = sgd, .schedule = &schedule, .memory = &memory});
    try {
      Network<double> copy = net;
      SGD own;
      copy.fit(task.X, task.Y, MeanSquaredError{}, own, options);
    } catch (const std::invalid_argument&) {
      net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options_of(0, schedule));
      return false;
    }
    return true;
  };
  EXPECT_TRUE(fits(2 * kSteps, 0));
  EXPECT_TRUE(fits(2 * kSteps + 1, 1));
  EXPECT_TRUE(fits(3 * kSteps, kSteps));
  EXPECT_FALSE(fits(2 * kSteps + 1, 0));
  EXPECT_FALSE(fits(2 * kSteps, 1));
  EXPECT_FALSE(fits(3 * kSteps + 1, kSteps + 1));
  EXPECT_FALSE(fits(0, 1));
  for (auto other : {&TrainingMemory::dropout_schedule, &TrainingMemory::weight_decay_schedule}) {
    memory.*other = schedules::FlatCosine{};
    EXPECT_FALSE(fits(2 * kSteps, 0));
    (memory.*other).reset();
    EXPECT_FALSE(fits(2 * kSteps, 0));
    memory.*other = schedule;
  }
  memory.base_weight_decay = 0.5;
  EXPECT_FALSE(fits(2 * kSteps, 0));
  memory.base_weight_decay = 0.0;
  EXPECT_TRUE(fits(2 * kSteps, 0));
  memory.seed = 8;
  EXPECT_FALSE(fits(2 * kSteps, 0));
  memory.seed.reset();
  EXPECT_FALSE(fits(2 * kSteps, 0));
  EXPECT_EQ(parameters_of(net), before);
  std::filesystem::remove(path);
}

TEST(Resume, FilesHaveWholeHistories) {
  Network<double> net = network_with_dropout();
  TrainingMemory memory;
  memory.position.epochs = 2;
  memory.history.series = {{"loss", {1.0, std::numeric_limits<double>::quiet_NaN()}}, {"lr", {0x1.fp-1060, -0.0}}};
  const std::vector<std::byte> bytes = to_bytes(net, {.memory = &memory});
  const auto saved = std::get<SavedTraining<double>>(from_bytes(bytes));
  EXPECT_EQ(saved.epochs, 2U);
  ASSERT_EQ(saved.memory.history.series.size(), 2U);
  EXPECT_TRUE(std::isnan(saved.memory.history["loss"][1]));
  EXPECT_EQ(saved.memory.history["lr"], memory.history["lr"]);
  EXPECT_FALSE(saved.memory.seed);
  memory.history.series[1].second.pop_back();
  EXPECT_THROW((void)to_bytes(net, {.memory = &memory}), std::invalid_argument);
  memory.position.epochs = 0;
  memory.history.series.assign(257, {"loss", {}});
  EXPECT_THROW((void)to_bytes(net, {.memory = &memory}), std::invalid_argument);
  memory.history.series.pop_back();
  EXPECT_EQ(
      std::get<SavedTraining<double>>(from_bytes(to_bytes(net, {.memory = &memory}))).memory.history.series.size(),
      256U);
}

}  // namespace
}  // namespace backpass

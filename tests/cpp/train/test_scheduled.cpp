// Dropout and weight decay that follow schedules, compared with steps of networks and optimizers that have the settings
// of that step.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include <backpass/backpass.hpp>

#include "io/random_settings.hpp"
#include "train/task.hpp"

namespace backpass {
namespace {

constexpr std::size_t kTaskRows = 20;
constexpr std::size_t kTaskBatch = 5;
constexpr std::size_t kTaskSteps = kTaskRows / kTaskBatch;  // per epoch
constexpr std::size_t kTaskEpochs = 3;

Network<double> network_with_rates(double first, double second) {
  return Network<double>(
      {.sizes = {3, 16, 8, 1}, .activation = Activation::tanh(), .dropout = {first, second}, .seed = 4});
}

/// One epoch with different rates, one with the rate 1, and a rise within an epoch.
std::vector<Schedule> factor_schedules() {
  return {schedules::Step{.step_size = 1, .gamma = 0.5}, schedules::FlatCosine{.flat = 0.25}, schedules::CosLog{},
          schedules::Cosine{},
          schedules::LinearWarmup{.steps = 3, .then = std::make_shared<Schedule>(schedules::FlatCosine{})}};
}

/// The rates of all steps for the base rate 1.
std::vector<double> factors_of(const Schedule& schedule) {
  const Schedule whole = with_length(schedule, kTaskEpochs * kTaskSteps, kTaskEpochs);
  std::vector<double> factors;
  for (std::size_t step = 0; step < kTaskEpochs * kTaskSteps; ++step) {
    factors.push_back(
        scheduled_lr(whole, 1.0, static_cast<std::int64_t>(step / kTaskSteps), static_cast<std::int64_t>(step)));
  }
  return factors;
}

FitOptions<double> options_in_order(std::size_t epochs = kTaskEpochs) {
  return {.epochs = epochs, .batch_size = kTaskBatch, .shuffle = false};
}

TEST(DropoutSchedule, HasTheBitsOfNetworksWithTheRatesOfEachStep) {
  const Task task(kTaskRows);
  for (const Schedule& schedule : factor_schedules()) {
    Network<double> net = network_with_rates(0.5, 0.25);
    Network<double> expected = net;
    FitOptions<double> options = options_in_order();
    options.dropout_schedule = schedule;
    SGD sgd{.lr = 0.1};
    net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options);

    const std::vector<double> factors = factors_of(schedule);
    for (std::size_t step = 0; step < factors.size(); ++step) {
      Network<double> other = network_with_rates(0.5 * factors[step], 0.25 * factors[step]);
      std::copy(expected.parameters().begin(), expected.parameters().end(), other.parameters().begin());
      other.set_dropout_state(expected.dropout_state());
      SGD own{.lr = 0.1};
      const std::size_t first = step % kTaskSteps * kTaskBatch;
      other.train_step(task.X.middle_rows(first, kTaskBatch), task.Y.middle_rows(first, kTaskBatch), MeanSquaredError{},
                       own);
      std::copy(other.parameters().begin(), other.parameters().end(), expected.parameters().begin());
      expected.set_dropout_state(other.dropout_state());
    }
    EXPECT_EQ(parameters_of(net), parameters_of(expected));
    EXPECT_EQ(net.dropout_state().pass, kTaskEpochs * kTaskSteps);
    EXPECT_EQ(net.spec(0).dropout, 0.5);

    // After fit, the network has its own rates again.
    SGD one{.lr = 0.1};
    SGD two{.lr = 0.1};
    net.train_step(task.X, task.Y, MeanSquaredError{}, one);
    expected.train_step(task.X, task.Y, MeanSquaredError{}, two);
    EXPECT_EQ(parameters_of(net), parameters_of(expected));
  }
}

TEST(DropoutSchedule, ConstantHasTheBitsOfNoSchedule) {
  const Task task(kTaskRows);
  Network<double> net = network_with_rates(0.5, 0.25);
  Network<double> plain = net;
  Adam one;
  Adam two;
  FitOptions<double> options = options_in_order();
  plain.fit(task.X, task.Y, MeanSquaredError{}, two, options);
  options.dropout_schedule = options.weight_decay_schedule = schedules::Constant{};
  net.fit(task.X, task.Y, MeanSquaredError{}, one, options);
  EXPECT_EQ(parameters_of(net), parameters_of(plain));
}

TEST(DropoutSchedule, CallbacksSeeAndUseTheNetworksOwnRates) {
  const Task task(kTaskRows);
  Network<double> net = network_with_rates(0.5, 0.25);
  FitOptions<double> options = options_in_order();
  options.dropout_schedule = schedules::Step{.step_size = 1, .gamma = 0.0};  // no dropout after the first epoch
  options.on_epoch_end = [&](const EpochReport& report) {
    Network<double> twin = network_with_rates(0.5, 0.25);
    std::copy(net.parameters().begin(), net.parameters().end(), twin.parameters().begin());
    twin.set_dropout_state(net.dropout_state());
    EXPECT_EQ(net.spec(0).dropout, 0.5);
    for (Network<double>* copy : {&twin, &net}) {
      copy->loss_and_gradient(task.X, task.Y, MeanSquaredError{});
    }
    EXPECT_EQ(twin.gradients()[0], net.gradients()[0]) << report.epoch;
    return false;
  };
  SGD sgd{.lr = 0.1};
  net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options);
}

TEST(DropoutSchedule, ARateOfOneOrMoreIsRefusedAtItsStep) {
  const Task task(kTaskRows);
  Network<double> net = network_with_rates(0.1, 0.6);
  Network<double> expected = net;
  SGD sgd{.lr = 0.1};
  SGD own{.lr = 0.1};
  FitOptions<double> options = options_in_order(1);
  options.dropout_schedule = schedules::Exponential{.gamma = 2.0};
  expected.fit(task.X, task.Y, MeanSquaredError{}, own, options);
  options.epochs = 2;
  try {
    net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options);
    ADD_FAILURE();
  } catch (const std::invalid_argument& error) {
    EXPECT_EQ(std::string(error.what()), "dropout_schedule: dropout of layer 2 = 1.2, but it must be in [0, 1)");
  }
  EXPECT_EQ(parameters_of(net), parameters_of(expected));  // as after the last step
  options.epochs = 1;
  net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options);
}

TEST(WeightDecaySchedule, HasTheBitsOfStepsWithTheWeightDecayOfEachStep) {
  const Task task(kTaskRows);
  test::Random random(3);
  for (const Optimizer& setting : test::random_optimizers(random)) {
    Optimizer optimizer = setting;
    const OptimizerRef ref(optimizer);
    if (ref.weight_decay() == nullptr) {
      continue;
    }
    ref.set_lr(1e-3);
    *ref.weight_decay() = 0.5;
    for (const Schedule& schedule : factor_schedules()) {
      ref.state().reset();
      Network<double> net = make_network();
      Network<double> expected = net;
      Optimizer own = optimizer;
      FitOptions<double> options = options_in_order();
      options.weight_decay_schedule = schedule;
      net.fit(task.X, task.Y, MeanSquaredError{}, optimizer, options);
      EXPECT_EQ(*ref.weight_decay(), 0.5);
      const std::vector<double> factors = factors_of(schedule);
      for (std::size_t step = 0; step < factors.size(); ++step) {
        *OptimizerRef(own).weight_decay() = 0.5 * factors[step];
        const std::size_t first = step % kTaskSteps * kTaskBatch;
        expected.train_step(task.X.middle_rows(first, kTaskBatch), task.Y.middle_rows(first, kTaskBatch),
                            MeanSquaredError{}, own);
      }
      EXPECT_EQ(parameters_of(net), parameters_of(expected)) << ref.name();
    }
  }
}

TEST(WeightDecaySchedule, RefusesAnOptimizerWithoutWeightDecay) {
  const Task task(kTaskRows);
  Network<double> net = make_network();
  const std::vector<double> before = parameters_of(net);
  Rprop rprop;
  FitOptions<double> options = options_in_order();
  options.weight_decay_schedule = schedules::FlatCosine{};
  try {
    net.fit(task.X, task.Y, MeanSquaredError{}, rprop, options);
    ADD_FAILURE();
  } catch (const std::invalid_argument& error) {
    EXPECT_EQ(std::string(error.what()), "weight_decay_schedule: Rprop has no weight_decay");
  }
  EXPECT_EQ(parameters_of(net), before);
  EXPECT_TRUE(rprop.state.empty());
}

TEST(ScheduledSettings, InvalidSchedulesAreRefused) {
  const Task task(kTaskRows);
  Network<double> net = make_network();
  SGD sgd;
  for (auto member : {&FitOptions<double>::dropout_schedule, &FitOptions<double>::weight_decay_schedule}) {
    FitOptions<double> options = options_in_order();
    options.*member = schedules::CosLog{.cycles = 63};
    EXPECT_THROW(net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options), std::invalid_argument);
  }
}

TEST(ScheduledSettings, APlateauReducesThemAndAFailureRestoresItsMemory) {
  Task task(kTaskRows);
  Network<double> net = network_with_rates(0.5, 0.25);
  SGD sgd{.lr = 0.0, .weight_decay = 0.5};  // so nothing improves
  const schedules::ReduceOnPlateau plateau{.factor = 0.5, .patience = 0, .threshold = 0.9, .scale = 0.125};
  TrainingMemory memory;
  FitOptions<double> options = options_in_order(5);
  options.dropout_schedule = options.weight_decay_schedule = plateau;
  options.memory = &memory;
  std::vector<double> decays;
  std::vector<schedules::ReduceOnPlateau> plateaus;
  options.on_epoch_end = [&](const EpochReport& report) {
    decays.push_back(sgd.weight_decay);
    plateaus.push_back(std::get<schedules::ReduceOnPlateau>(*memory.dropout_schedule));
    if (report.epoch == 2) {
      task.y[7] = std::numeric_limits<double>::quiet_NaN();
    }
    return false;
  };
  EXPECT_THROW(net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options), DivergenceError);
  EXPECT_EQ(decays, (std::vector<double>{0.5, 0.5, 0.25}));  // a new training starts at the base rate
  EXPECT_EQ(sgd.weight_decay, 0.5);
  for (const auto* schedule : {&memory.dropout_schedule, &memory.weight_decay_schedule}) {
    EXPECT_TRUE(test::same(std::get<schedules::ReduceOnPlateau>(**schedule), plateaus.back()));
  }
  EXPECT_EQ(std::get<schedules::ReduceOnPlateau>(*options.dropout_schedule).scale, 0.125);  // fit follows a copy
}

}  // namespace
}  // namespace backpass

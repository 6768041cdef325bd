// The parts of fit in C++. (tests/python compares trainings with the NumPy reference.)
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <backpass/backpass.hpp>

#include "base/streams.hpp"
#include "train/task.hpp"

namespace backpass {
namespace {

TEST(Fit, IsTrainStepsOverShuffledBatches) {
  const Task task(50);
  Network<double> fitted = make_network();
  Network<double> by_hand(fitted);
  Adam a;
  Adam b;
  const History history = fitted.fit(task.X, task.Y, MeanSquaredError{}, a, {.epochs = 3, .batch_size = 16, .seed = 9});
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<std::uint32_t> order(50);
    for (std::uint32_t i = 0; i < 50; ++i) {
      order[i] = i;
    }
    shuffle(order, Philox(9, shuffle_stream(epoch)));
    double sum = 0;
    for (std::size_t first = 0; first < 50; first += 16) {
      std::vector<double> x;
      std::vector<double> y;
      for (std::size_t i = first; i < std::min<std::size_t>(first + 16, 50); ++i) {
        x.insert(x.end(), task.X.row(order[i]), task.X.row(order[i]) + 3);
        y.push_back(task.y[order[i]]);
      }
      const double loss = by_hand.train_step(ConstMatrixView<double>(x.data(), y.size(), 3),
                                             ConstMatrixView<double>(y.data(), y.size(), 1), MeanSquaredError{}, b);
      sum += loss * static_cast<double>(y.size());
    }
    EXPECT_NEAR(history["loss"][epoch], sum / 50, 1e-14);
  }
  EXPECT_EQ(parameters_of(fitted), parameters_of(by_hand));
  EXPECT_EQ(history.epochs, 3U);
}

TEST(Fit, CustomLossGetsTheSameBatches) {
  const Task task(50);
  Network<double> built_in = make_network();
  Network<double> custom(built_in);
  CustomLoss loss;
  const auto squares = [](auto a, auto y, auto grad) { return evaluate_loss(Loss(MeanSquaredError{}), a, y, grad); };
  loss.function_f32 = squares;
  loss.function_f64 = squares;
  Adam a;
  Adam b;
  const auto expected =
      built_in.fit(task.X, task.Y, MeanSquaredError{}, a, {.epochs = 2, .batch_size = 16, .validation_split = 0.2});
  const auto history = custom.fit(task.X, task.Y, loss, b, {.epochs = 2, .batch_size = 16, .validation_split = 0.2});
  for (const char* name : {"loss", "val_loss"}) {
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_NEAR(history[name][i], expected[name][i], 1e-12);
    }
  }
}

/// A custom loss is trained with the same dropout masks as a loss of the library.
TEST(Fit, CustomLossIsTrainedWithDropout) {
  const Task task(50);
  Network<double> built_in({.sizes = {3, 16, 1}, .activation = Activation::tanh(), .dropout = 0.5, .seed = 4});
  Network<double> custom(built_in);
  CustomLoss loss;
  loss.function_f32 = [](auto, auto, auto) { return 0.0; };
  loss.function_f64 = [](auto a, auto y, auto grad) { return evaluate_loss(Loss(MeanSquaredError{}), a, y, grad); };
  SGD a{.lr = 0.1};
  SGD b{.lr = 0.1};
  for (int step = 0; step < 3; ++step) {
    (void)built_in.train_step(task.X, task.Y, MeanSquaredError{}, a);
    (void)custom.train_step(task.X, task.Y, loss, b);
  }
  const std::vector<double> expected = parameters_of(built_in);
  const std::vector<double> parameters = parameters_of(custom);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(parameters[i], expected[i], 1e-12) << i;
  }
}

TEST(Fit, EarlyStoppingRestoresTheBestEpoch) {
  const Task task(60);
  Network<double> net = make_network();
  SGD sgd{.lr = 0.9};  // so large that the loss does not fall steadily
  std::vector<std::vector<double>> after_epoch;
  std::vector<std::uint64_t> dropout_passes;
  FitOptions<double> options{.epochs = 40, .batch_size = 4, .validation_split = 0.5};
  options.early_stopping = EarlyStopping{.monitor = "val_loss", .patience = 3};
  options.on_epoch_end = [&](const EpochReport&) {
    after_epoch.push_back(parameters_of(net));
    dropout_passes.push_back(net.dropout_state().pass);
    return false;
  };
  const History history = net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options);
  ASSERT_TRUE(history.stopped_early);
  ASSERT_TRUE(history.best_epoch.has_value());
  const auto& losses = history["val_loss"];
  const std::size_t best = *history.best_epoch;
  EXPECT_EQ(losses.size(), best + 4);
  for (const double loss : losses) {
    EXPECT_GE(loss, losses[best]);
  }
  EXPECT_EQ(parameters_of(net), after_epoch[best]);
  EXPECT_EQ(net.dropout_state().pass, dropout_passes[best]);
  EXPECT_THROW(
      net.fit(task.X, task.Y, MeanSquaredError{}, sgd, {.early_stopping = EarlyStopping{.monitor = "val_loss"}}),
      std::invalid_argument);
}

TEST(Fit, DivergenceNamesTheBatchAndRestoresTheLastEpoch) {
  Task task(40);
  Network<double> net = make_network();
  Adam adam;
  net.fit(task.X, task.Y, MeanSquaredError{}, adam, {.epochs = 1, .batch_size = 10});
  const auto before = parameters_of(net);
  const auto step_before = adam.state.groups.front().step;
  TrainingMemory memory;
  task.x[3 * 25] = std::numeric_limits<double>::quiet_NaN();
  try {
    net.fit(task.X, task.Y, MeanSquaredError{}, adam,
            {.epochs = 5, .batch_size = 10, .shuffle = false, .memory = &memory});
    FAIL() << "nothing was thrown";
  } catch (const DivergenceError& error) {
    EXPECT_EQ(error.epoch(), 0U);
    EXPECT_EQ(error.batch(), 2U);
    EXPECT_NE(std::string(error.what()).find("the loss became nan in epoch 1, batch 3 "), std::string::npos)
        << error.what();
  }
  EXPECT_EQ(parameters_of(net), before);
  EXPECT_EQ(adam.state.groups.front().step, step_before);
  EXPECT_EQ(memory.position.epoch_steps, 0U);
  EXPECT_EQ(memory.position.loss_sum, 0.0);
}

TEST(Fit, AParameterThatIsNotFiniteIsDivergenceToo) {
  const Task task(10);
  Network<double> net = make_network();
  const auto before = parameters_of(net);
  SGD sgd{.lr = std::numeric_limits<double>::max()};  // the loss is finite, but the parameters after the step are not
  std::vector<double> targets(10, 100.0);
  try {
    net.fit(task.X, ConstMatrixView<double>(targets.data(), 10, 1), MeanSquaredError{}, sgd, {.batch_size = 10});
    FAIL() << "nothing was thrown";
  } catch (const DivergenceError& error) {
    EXPECT_EQ(error.epoch(), 0U);
    EXPECT_EQ(error.batch(), 0U);
    EXPECT_NE(std::string(error.what()).find("a parameter became infinite or nan in epoch 1, batch 1 "),
              std::string::npos)
        << error.what();
  }
  EXPECT_EQ(parameters_of(net), before);
}

TEST(Fit, SchedulesDriveTheRateAndLeaveItAsItWas) {
  const Task task(20);
  Network<double> net = make_network();
  SGD sgd{.lr = 0.5};
  Schedule schedule = schedules::Step{.step_size = 2, .gamma = 0.1};
  FitOptions<double> options{.epochs = 5, .batch_size = 10};
  options.schedule = &schedule;
  const History history = net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options);
  const std::vector<double> expected{0.5, 0.5, 0.05, 0.05, 0.005};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(history["lr"][i], expected[i], 1e-15);
  }
  EXPECT_EQ(sgd.lr, 0.5);
}

TEST(Fit, AOneCycleWithoutLengthIsAsLongAsEachTraining) {
  const Task task(20);
  Network<double> net = make_network();
  SGD sgd{.lr = 0.5};
  const auto inner = std::make_shared<Schedule>(schedules::OneCycle{.max_lr = 0.1});
  for (Schedule schedule :
       {Schedule(schedules::OneCycle{.max_lr = 0.1}), Schedule(schedules::LinearWarmup{.steps = 3, .then = inner})}) {
    const auto rates = [&](std::size_t epochs) {
      FitOptions<double> options{.epochs = epochs, .batch_size = 10};
      options.schedule = &schedule;
      return net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options)["lr"];
    };
    const auto expected = [&](std::size_t epochs) {
      std::vector<double> lr;
      for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
        const Schedule whole = with_length(schedule, static_cast<std::int64_t>(2 * epochs));
        lr.push_back(scheduled_lr(whole, 0.5, static_cast<std::int64_t>(epoch), static_cast<std::int64_t>(2 * epoch)));
      }
      return lr;
    };
    EXPECT_EQ(rates(5), expected(5));
    EXPECT_EQ(rates(7), expected(7));  // a second training uses its own length
  }
  EXPECT_EQ(std::get<schedules::OneCycle>(*inner).total_steps, 0);
}

TEST(Fit, ReduceOnPlateauStoresItsMemoryInTheCallersSchedule) {
  const Task task(20);
  Network<double> net = make_network();
  SGD sgd{.lr = 0.0};  // so nothing improves
  Schedule schedule = schedules::ReduceOnPlateau{.patience = 1};
  FitOptions<double> options{.epochs = 2, .batch_size = 20};
  options.schedule = &schedule;
  net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options);
  EXPECT_EQ(std::get<schedules::ReduceOnPlateau>(schedule).bad_epochs, 1);
}

/// After a failure, the schedule has the memory of the last finished epoch.
TEST(Fit, ReduceOnPlateauIsRestoredIfThereIsNoMemory) {
  const Task task(20);
  Network<double> net = make_network();
  SGD sgd{.lr = 0.0};  // so nothing improves after the first epoch
  Schedule schedule = schedules::ReduceOnPlateau{.patience = 5};
  FitOptions<double> options{.epochs = 4, .batch_size = 10};
  options.schedule = &schedule;
  options.on_epoch_end = [&](const EpochReport& report) {
    EXPECT_EQ(static_cast<std::size_t>(std::get<schedules::ReduceOnPlateau>(schedule).bad_epochs), report.epoch);
    if (report.epoch == 2) {
      throw std::bad_alloc();
    }
    return false;
  };
  EXPECT_THROW(net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options), std::bad_alloc);
  EXPECT_EQ(std::get<schedules::ReduceOnPlateau>(schedule).bad_epochs, 1);
}

TEST(Fit, CallbacksStopAndMayThrow) {
  const Task task(20);
  Network<double> net = make_network();
  SGD sgd{.lr = 0.1};
  FitOptions<double> options{.epochs = 5};
  options.on_epoch_end = [](const EpochReport& report) { return report.epoch == 1; };
  const History history = net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options);
  EXPECT_EQ(history.epochs, 2U);
  EXPECT_TRUE(history.stopped_early);
  options.epochs = 2;
  EXPECT_FALSE(net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options).stopped_early);  // it was the last epoch
  options.on_epoch_end = [](const EpochReport&) -> bool { throw std::runtime_error("mine"); };
  sgd.lr = 0.25;
  Schedule schedule = schedules::Exponential{};
  options.schedule = &schedule;
  EXPECT_THROW(net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options), std::runtime_error);
  EXPECT_EQ(sgd.lr, 0.25);
}

TEST(Fit, RefusesWrongOptions) {
  const Task task(20);
  Network<double> net = make_network();
  SGD sgd;
  const auto fit = [&](const FitOptions<double>& options) {
    net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options);
  };
  EXPECT_THROW(fit({.batch_size = 0}), std::invalid_argument);
  EXPECT_THROW(fit({.validation_split = 1.0}), std::invalid_argument);
  EXPECT_THROW(fit({.validation_split = 0.01}), std::invalid_argument);
  EXPECT_THROW(fit({.gradient = {.clip_norm = -1.0}}), std::invalid_argument);
  EXPECT_THROW(fit({.validation_data = std::pair{task.Y, Targets<double>(task.Y)}}), ShapeError);
  const auto before = parameters_of(net);
  for (const double wrong : {-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    std::vector<double> weights(20, 1.0);
    weights[19] = wrong;
    EXPECT_THROW(fit({.batch_size = 5, .sample_weight = weights}), std::invalid_argument);
    EXPECT_EQ(parameters_of(net), before) << wrong;
  }
  // More steps or epochs than 2^63 − 1, also if their number overflows std::size_t.
  constexpr auto kMost = std::numeric_limits<std::size_t>::max();
  for (const std::size_t epochs : {kMost, kMost / 2, kMost / 2 + 1, kMost / 4 + 1}) {
    EXPECT_THROW(fit({.epochs = epochs, .batch_size = 5}), std::invalid_argument) << epochs;
    EXPECT_EQ(parameters_of(net), before);
  }
  const std::vector<double> zeros(20, 0.0);
  EXPECT_THROW(fit({.sample_weight = zeros}), std::invalid_argument);
  fit({.epochs = 0});
  EXPECT_EQ(parameters_of(net), before);
}

TEST(ValidationRows, AreTheNumberThatTheSplitSays) {
  EXPECT_EQ(validation_rows(100, 0.0), 0U);
  for (std::size_t percent = 1; percent < 100; ++percent) {  // 29, 57 and 58 percent are slightly smaller in binary
    EXPECT_EQ(validation_rows(100, static_cast<double>(percent) / 100), percent);
  }
  EXPECT_EQ(validation_rows(10, 0.25), 2U);
  for (const double split : {-0.1, 1.0, std::numeric_limits<double>::quiet_NaN(), 0.001}) {
    EXPECT_THROW(static_cast<void>(validation_rows(100, split)), std::invalid_argument);
  }
  EXPECT_THROW(static_cast<void>(validation_rows(0, 0.5)), std::invalid_argument);
}

TEST(Metric, AgainstTheirDefinitions) {
  const std::vector<double> a{0.1, 0.7, 0.2, 0.5, 0.3, 0.2, 0.0, 0.1, 0.9};
  const std::vector<double> y{0, 1, 0, 0, 1, 0, 0, 0, 1};
  const std::vector<int> labels{1, 1, 2};
  const ConstMatrixView<double> A(a.data(), 3, 3);
  const ConstMatrixView<double> Y(y.data(), 3, 3);
  EXPECT_DOUBLE_EQ(compute_metric<double>(Metric::accuracy, A, labels), 2.0 / 3);
  EXPECT_DOUBLE_EQ(compute_metric<double>(Metric::accuracy, A, Y), 2.0 / 3);
  const std::vector<double> weights{1, 3, 0};
  EXPECT_DOUBLE_EQ(compute_metric<double>(Metric::accuracy, A, Y, false, weights), 0.25);
  EXPECT_NEAR(compute_metric<double>(Metric::mae, A, Y), (0.1 + 0.3 + 0.2 + 0.5 + 0.7 + 0.2 + 0.0 + 0.1 + 0.1) / 9,
              1e-15);
  // Per column: residuals (0.26, 0.59, 0.09), totals (0, 2/3, 2/3). The constant column is predicted wrongly: 0.
  EXPECT_NEAR(compute_metric<double>(Metric::r2, A, Y), (0.0 + (1 - 0.59 / (2.0 / 3)) + (1 - 0.09 / (2.0 / 3))) / 3,
              1e-12);
  const std::vector<double> logits{-0.2, 0.3, 0.4};
  const std::vector<int> binary{0, 1, 1};
  EXPECT_DOUBLE_EQ(compute_metric<double>(Metric::accuracy, ConstMatrixView<double>(logits.data(), 3, 1), binary, true),
                   1.0);
  EXPECT_DOUBLE_EQ(compute_metric<double>(Metric::accuracy, ConstMatrixView<double>(logits.data(), 3, 1), binary),
                   1.0 / 3);
  EXPECT_THROW((void)compute_metric<double>(Metric::mae, A, labels), std::invalid_argument);
}

/// An output at the threshold means class 0.
TEST(Metric, AccuracyAtTheThreshold) {
  const std::vector<double> at_half{0.5, 0.5};
  const std::vector<double> at_zero{0.0, 0.0};
  const std::vector<double> y{0, 1};
  for (const std::size_t cols : {1U, 2U}) {
    const ConstMatrixView<double> targets(y.data(), 2 / cols, cols);
    EXPECT_EQ(compute_metric<double>(Metric::accuracy, ConstMatrixView<double>(at_half.data(), 2 / cols, cols), targets,
                                     BinaryCrossEntropy{}),
              0.5);
    EXPECT_EQ(compute_metric<double>(Metric::accuracy, ConstMatrixView<double>(at_zero.data(), 2 / cols, cols), targets,
                                     SigmoidCrossEntropy{}),
              0.5);
  }
}

/// Only several outputs of one distribution may have targets between 0 and 1.
TEST(Metric, AccuracyRefusesSharesOfSeparateLabels) {
  const std::vector<double> a{0.75, 0.25};
  const std::vector<double> y{0.75, 0.25};
  const auto accuracy = [&](const Loss& loss, std::size_t cols) {
    return compute_metric<double>(Metric::accuracy, ConstMatrixView<double>(a.data(), 2 / cols, cols),
                                  ConstMatrixView<double>(y.data(), 2 / cols, cols), loss);
  };
  EXPECT_EQ(accuracy(CrossEntropy{}, 2), 1.0);
  EXPECT_THROW((void)accuracy(CrossEntropy{}, 1), std::invalid_argument);
  EXPECT_THROW((void)accuracy(BinaryCrossEntropy{}, 1), std::invalid_argument);
  EXPECT_THROW((void)accuracy(BinaryCrossEntropy{}, 2), std::invalid_argument);
}

/// r2 does not change with the unit of the targets, also if their sum overflows.
TEST(Metric, R2OfLargeTargetsIsThatOfSmallOnes) {
  const std::vector<double> y{0.9, 0.7, 0.8, 0.6, 0.95};
  const std::vector<double> a{0.8, 0.75, 0.9, 0.65, 0.9};
  const std::vector<double> weights{1, 2, 0.5, 3, 1};
  std::vector<double> large_y(y);
  std::vector<double> large_a(a);
  for (std::size_t i = 0; i < y.size(); ++i) {
    large_y[i] *= 0x1.fp1023;
    large_a[i] *= 0x1.fp1023;
  }
  for (const std::span<const double> w : {std::span<const double>(), std::span<const double>(weights)}) {
    const double small = compute_metric<double>(Metric::r2, ConstMatrixView<double>(a.data(), 5, 1),
                                                ConstMatrixView<double>(y.data(), 5, 1), false, w);
    EXPECT_NEAR(compute_metric<double>(Metric::r2, ConstMatrixView<double>(large_a.data(), 5, 1),
                                       ConstMatrixView<double>(large_y.data(), 5, 1), false, w),
                small, 1e-12);
  }
}

}  // namespace
}  // namespace backpass

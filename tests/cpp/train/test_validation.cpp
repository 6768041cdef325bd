// How fit evaluates validation rows and metrics.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <backpass/backpass.hpp>

#include "train/task.hpp"

namespace backpass {
namespace {

TEST(Validation, ANaNInValidationDoesNotEndFit) {
  Task task(20);
  const std::vector<double> nan(1, std::numeric_limits<double>::quiet_NaN());
  Network<double> net = make_network();
  SGD sgd{.lr = 0.1};
  FitOptions<double> options{.epochs = 3};
  options.validation_data.emplace(task.X.middle_rows(0, 1), ConstMatrixView<double>(nan.data(), 1, 1));
  const History history = net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options);
  EXPECT_EQ(history.epochs, 3U);
  EXPECT_TRUE(std::isnan(history["val_loss"].back()));
  options.early_stopping = EarlyStopping{.monitor = "val_loss", .patience = 2};
  const History stopped = net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options);
  EXPECT_EQ(stopped.epochs, 2U);
  EXPECT_FALSE(stopped.best_epoch.has_value());
}

/// The message of fit's exception.
std::string refusal(const FitOptions<double>& options) {
  const Task task(20);
  Network<double> net = make_network();
  SGD sgd;
  try {
    net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(Validation, RefusalsOfValidationDataNameIt) {
  const Task task(4);
  const std::vector<int> labels(4, 0);
  const auto message = [](ConstMatrixView<double> x, const Targets<double>& y) {
    FitOptions<double> options;
    options.validation_data.emplace(x, y);
    return refusal(options);
  };
  EXPECT_EQ(message(task.Y, task.Y), "validation_data: x has shape (4, 1), expected (B, 3)");
  EXPECT_EQ(message(task.X, task.Y.middle_rows(0, 3)), "validation_data: y has shape (3, 1), expected (4, 1)");
  EXPECT_EQ(message(task.X, labels), "validation_data: mse takes targets of shape (4, 1), not class labels");
  EXPECT_EQ(message(task.X.middle_rows(0, 0), task.Y.middle_rows(0, 0)),
            "validation_data: no rows: the mean loss of zero samples is undefined");
}

/// fit evaluates the validation rows in slices, and the loss has the bits of evaluate().
TEST(Validation, ValidationLossIsEvaluatesToTheBit) {
  struct Case {
    std::vector<std::size_t> sizes;
    std::size_t rows;
  };
  // Summed in segments, with more rows than a slice; summed in one run; fewer rows than a slice.
  for (const Case& c : {Case{{3, 4, 1}, 70001}, Case{{3, 200, 200, 1}, 5003}, Case{{3, 4, 1}, 300}}) {
    const Task task(c.rows + 10);
    const std::size_t held_out = c.rows;
    const double split = (static_cast<double>(held_out) + 0.5) / static_cast<double>(c.rows + 10);
    std::vector<double> weights(c.rows + 10);
    for (std::size_t r = 0; r < weights.size(); ++r) {
      weights[r] = static_cast<double>(1 + r % 7) / 3.0;
    }
    for (const std::span<const double> w : {std::span<const double>(), std::span<const double>(weights)}) {
      Network<double> net({.sizes = c.sizes, .activation = Activation::tanh(), .seed = 4});
      SGD sgd{.lr = 0.01};
      const History history = net.fit(task.X, task.Y, MeanSquaredError{}, sgd,
                                      {.validation_split = split, .sample_weight = w, .metrics = {Metric::mae}});
      const auto x = task.X.middle_rows(10, held_out);
      const auto y = task.Y.middle_rows(10, held_out);
      EXPECT_EQ(history["val_loss"].back(), net.evaluate(x, y, MeanSquaredError{}, w.empty() ? w : w.subspan(10)));
      std::vector<double> a(held_out);
      net.predict(x, MatrixView<double>(a.data(), held_out, 1));
      EXPECT_EQ(history["val_mae"].back(),
                compute_metric<double>(Metric::mae, ConstMatrixView<double>(a.data(), held_out, 1), y, false,
                                       w.empty() ? w : w.subspan(10)));
    }
  }
}

/// An activation that is slow for more than one row. Training steps have one row.
Activation slow_identity() {
  const auto function = []<class T>(ConstMatrixView<T> z, MatrixView<T> out) {
    if (z.rows() > 1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(4));
    }
    for (std::size_t r = 0; r < z.rows(); ++r) {
      std::copy_n(z.row(r), z.cols(), out.row(r));
    }
  };
  const auto derivative = []<class T>(ConstMatrixView<T> z, MatrixView<T> out) {
    for (std::size_t r = 0; r < z.rows(); ++r) {
      std::fill_n(out.row(r), z.cols(), T(1));
    }
  };
  return Activation::custom({function, derivative, function, derivative});
}

TEST(Validation, ProgressMayStopInTheMiddleOfValidation) {
  const Task task(70000);
  const auto squares = [](auto a, auto y, auto grad) { return evaluate_loss(Loss(MeanSquaredError{}), a, y, grad); };
  CustomLoss custom;
  custom.function_f32 = squares;
  custom.function_f64 = squares;
  struct Case {
    Loss loss;
    std::vector<Metric> metrics;
    bool train_on_all;
  };
  // Stops in the validation loss, in a loss that needs all rows at once, and in the metrics of training.
  for (const Case& c :
       {Case{MeanSquaredError{}, {}, false}, Case{custom, {}, false}, Case{MeanSquaredError{}, {Metric::mae}, true}}) {
    Network<double> net({.sizes = {3, 2, 1}, .activation = slow_identity(), .seed = 4});
    SGD sgd{.lr = 0.01};
    FitOptions<double> options{.epochs = 3, .batch_size = 1, .metrics = c.metrics};
    std::size_t rows = 1;
    if (c.train_on_all) {
      rows = 9000;
    } else {
      options.validation_data.emplace(task.X, task.Y);
    }
    options.on_progress = [&](const ProgressReport& report) {
      EXPECT_EQ(report.epoch, 0U);
      EXPECT_TRUE(std::isfinite(report.loss));
      return report.rows_done == report.rows;
    };
    const History history = net.fit(task.X.middle_rows(0, rows), task.Y.middle_rows(0, rows), c.loss, sgd, options);
    EXPECT_EQ(history.epochs, 0U);
    EXPECT_TRUE(history.stopped_early);
    for (const auto& [name, values] : history.series) {
      EXPECT_TRUE(values.empty()) << name;
    }
    options.on_progress = [](const ProgressReport& report) -> bool {
      if (report.rows_done == report.rows) {
        throw std::runtime_error("mine");
      }
      return false;
    };
    EXPECT_THROW(net.fit(task.X.middle_rows(0, rows), task.Y.middle_rows(0, rows), c.loss, sgd, options),
                 std::runtime_error);
  }
}

/// The metrics of every epoch are those of the network at the end of that epoch, and early stopping looks for the
/// largest accuracy.
TEST(Validation, MetricsOfEveryEpoch) {
  Task task(80);
  for (double& y : task.y) {
    y = y > 0.0 ? 1.0 : 0.0;
  }
  Network<double> net({.sizes = {3, 4, 1}, .output = Activation::sigmoid(), .seed = 1});
  Adam adam{.lr = 0.05};
  const std::size_t trained = 60;
  std::vector<double> accuracies;
  std::vector<double> validation_accuracies;
  FitOptions<double> options{.epochs = 40, .batch_size = 20, .validation_split = 0.25, .metrics = {Metric::accuracy}};
  options.early_stopping = EarlyStopping{.monitor = "val_accuracy", .patience = 5};
  options.on_epoch_end = [&](const EpochReport& /*report*/) {
    std::vector<double> a(80);
    const MatrixView<double> out(a.data(), 80, 1);
    net.predict(task.X, out);
    const auto accuracy = [&](std::size_t first, std::size_t count) {
      return compute_metric<double>(Metric::accuracy, out.middle_rows(first, count), task.Y.middle_rows(first, count));
    };
    accuracies.push_back(accuracy(0, trained));
    validation_accuracies.push_back(accuracy(trained, 80 - trained));
    return false;
  };
  const History history = net.fit(task.X, task.Y, BinaryCrossEntropy{}, adam, options);
  EXPECT_EQ(history["accuracy"], accuracies);
  EXPECT_EQ(history["val_accuracy"], validation_accuracies);
  const auto best = std::max_element(validation_accuracies.begin(), validation_accuracies.end());
  EXPECT_GT(*best, validation_accuracies.front());
  EXPECT_EQ(history.best_epoch, static_cast<std::size_t>(best - validation_accuracies.begin()));
}

}  // namespace
}  // namespace backpass

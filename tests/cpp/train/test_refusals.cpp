// Refusals and reports of fit, its history and its metrics in unusual cases: names, shapes, weights that sum to zero,
// the kind of a divergence, and stops in the middle of an epoch.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <backpass/backpass.hpp>

#include "train/task.hpp"

namespace backpass {
namespace {

TEST(Metrics, NamesAreConvertedBothWaysAndUnknownOnesAreErrors) {
  for (const Metric metric : {Metric::accuracy, Metric::r2, Metric::mae}) {
    EXPECT_EQ(metric_from_name(metric_name(metric)), metric);
  }
  EXPECT_THROW((void)metric_from_name("precision"), std::invalid_argument);
}

TEST(Metrics, RefuseShapesThatDoNotFit) {
  const std::vector<double> values(6, 0.5);
  const ConstMatrixView<double> a(values.data(), 3, 2);
  EXPECT_THROW((void)compute_metric<double>(Metric::mae, a, a.middle_rows(0, 2)), ShapeError);
  EXPECT_THROW((void)compute_metric<double>(Metric::mae, a, a.middle_cols(0, 1)), ShapeError);
  EXPECT_THROW((void)compute_metric<double>(Metric::accuracy, a, std::vector<int>{0, 1}), ShapeError);
  EXPECT_THROW((void)compute_metric<double>(Metric::mae, a, a, false, std::vector<double>{1.0}), ShapeError);
  EXPECT_THROW((void)compute_metric<double>(Metric::r2, a, std::vector<int>{0, 1, 0}), std::invalid_argument);
}

TEST(Metrics, AccuracyNamesTheWrongTarget) {
  const std::vector<double> values{0.0, 1.0, 1e-7, 1.0};
  const ConstMatrixView<double> y(values.data(), 2, 2);
  try {
    (void)compute_metric<double>(Metric::accuracy, y, y);
    FAIL() << "no exception";
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("but y[1, 0] = 1e-07;"), std::string::npos) << error.what();
  }
}

TEST(Metrics, OfNothingAreNaN) {
  const std::vector<double> values(6, 1.0);  // accuracy needs targets of 0 and 1
  const ConstMatrixView<double> a(values.data(), 3, 2);
  for (const Metric metric : {Metric::accuracy, Metric::r2, Metric::mae}) {
    EXPECT_TRUE(std::isnan(compute_metric<double>(metric, a.middle_rows(0, 0), a.middle_rows(0, 0))));
    EXPECT_TRUE(std::isnan(compute_metric<double>(metric, a, a, false, std::vector<double>(3, 0.0))));
  }
}

/// R² of constant targets: 1 if the prediction is exact, otherwise 0.
TEST(Metrics, RSquaredOfConstantTargets) {
  const std::vector<double> y(3, 2.0);
  const std::vector<double> missed{2.0, 2.0, 3.0};
  const ConstMatrixView<double> Y(y.data(), 3, 1);
  EXPECT_EQ(compute_metric<double>(Metric::r2, Y, Y), 1.0);
  EXPECT_EQ(compute_metric<double>(Metric::r2, ConstMatrixView<double>(missed.data(), 3, 1), Y), 0.0);
}

TEST(Histories, NameTheirSeries) {
  const Task task(20);
  Network<double> net = make_network();
  SGD sgd;
  const History history = net.fit(task.X, task.Y, MeanSquaredError{}, sgd, {.metrics = {Metric::mae}});
  EXPECT_EQ(history["loss"].size(), 1U);
  EXPECT_EQ(history["mae"].size(), 1U);
  EXPECT_THROW((void)history["val_loss"], std::out_of_range);
}

/// A custom loss gets the labels of its rows, in the order of the rows.
TEST(Fit, ACustomLossGetsTheLabelsOfItsRows) {
  constexpr std::size_t kRows = 23;
  std::vector<double> inputs(kRows);
  std::vector<std::int64_t> labels(kRows);
  for (std::size_t r = 0; r < kRows; ++r) {
    inputs[r] = static_cast<double>(r);
    labels[r] = static_cast<std::int64_t>(r);
  }
  // Every output equals the input, which identifies the row.
  Network<double> net({.sizes = {1, kRows}, .bias = false, .init = Initializer::constant(1.0), .seed = 0});
  std::vector<std::int64_t> seen;
  CustomLoss loss;
  loss.function_f32 = [](auto, auto, auto) { return 0.0; };
  loss.function_f64 = [&](ConstMatrixView<double> a, const Targets<double>& y, MatrixView<double> grad) {
    EXPECT_TRUE(y.are_labels());
    for (std::size_t r = 0; r < a.rows(); ++r) {
      EXPECT_EQ(a(r, 0), static_cast<double>(y.label(r)));
      seen.push_back(y.label(r));
      std::fill_n(grad.row(r), grad.cols(), 0.0);
    }
    return 1.0;
  };
  SGD sgd;
  net.fit(ConstMatrixView<double>(inputs.data(), kRows, 1), labels, loss, sgd, {.batch_size = 5});
  ASSERT_EQ(seen.size(), kRows);
  EXPECT_NE(seen, labels) << "rows must be shuffled";
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, labels);
}

TEST(Fit, DivergenceNamesInfinityAndNaN) {
  const Task task(20);
  for (const auto& [value, word] : {std::pair{std::numeric_limits<double>::infinity(), "infinite"},
                                    {-std::numeric_limits<double>::infinity(), "infinite"},
                                    {std::numeric_limits<double>::quiet_NaN(), "nan"}}) {
    Network<double> net = make_network();
    const std::vector<double> before = parameters_of(net);
    CustomLoss loss;
    loss.function_f32 = [](auto, auto, auto) { return 0.0; };
    loss.function_f64 = [v = value](auto, auto, auto) { return v; };
    SGD sgd;
    try {
      net.fit(task.X, task.Y, loss, sgd, {.batch_size = 7});
      ADD_FAILURE() << "nothing was thrown";
    } catch (const DivergenceError& error) {
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
      EXPECT_EQ(error.epoch(), 0U);
      EXPECT_EQ(error.batch(), 0U);
    }
    EXPECT_EQ(parameters_of(net), before);
  }
}

TEST(Fit, DivergenceNamesTheFirstValueThatIsNotFinite) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  Task in_x(20);
  in_x.x[7 * 3 + 2] = kNaN;
  Task in_y(20);
  in_y.y[4] = kNaN;
  for (const auto& [task, text] : {std::pair{&in_x, "x[7, 2] is nan: remove"}, {&in_y, "y[4, 0] is nan: remove"}}) {
    Network<double> net = make_network();
    SGD sgd;
    try {
      net.fit(task->X, task->Y, MeanSquaredError{}, sgd, {});
      ADD_FAILURE() << "nothing was thrown";
    } catch (const DivergenceError& error) {
      EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
    }
  }
}

/// A stop in the middle of an epoch: the history does not contain the epoch, and no other epoch begins.
TEST(Fit, ProgressMayStopInTheMiddleOfAnEpoch) {
  const Task task(400);
  Network<double> net = make_network();
  SGD sgd;
  std::size_t rows_at_stop = 0;
  FitOptions<double> options{.epochs = 100, .batch_size = 1};
  options.on_progress = [&](const ProgressReport& report) {
    EXPECT_EQ(report.rows, 400U);
    rows_at_stop = report.rows_done;
    return report.epoch == 0 && report.rows_done > 0;
  };
  CustomLoss slow;
  slow.function_f32 = [](auto, auto, auto) { return 0.0; };
  slow.function_f64 = [](auto, auto, MatrixView<double> grad) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    grad(0, 0) = 1e-3;
    return 1.0;
  };
  const History history = net.fit(task.X, task.Y, slow, sgd, options);
  EXPECT_EQ(history.epochs, 0U);
  EXPECT_TRUE(history.stopped_early);
  EXPECT_TRUE(history["loss"].empty());
  EXPECT_GT(rows_at_stop, 0U);
  EXPECT_LT(rows_at_stop, 400U);
}

/// validation_data and validation_split exclude each other.
TEST(Fit, RefusesValidationTwice) {
  const Task task(20);
  Network<double> net = make_network();
  SGD sgd;
  FitOptions<double> options{.validation_split = 0.5};
  options.validation_data.emplace(task.X, Targets<double>(task.Y));
  EXPECT_THROW(net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options), std::invalid_argument);
}

}  // namespace
}  // namespace backpass

// Early stopping, epoch by epoch, for given series of validation losses.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <backpass/backpass.hpp>

namespace backpass {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// The result of a training in which epoch e has the validation loss series[e]. The network's only weight counts
/// epochs.
struct Outcome {
  History history;
  double weight = 0.0;
};
Outcome outcome_of(const std::vector<double>& series, const EarlyStopping& stopping) {
  // The only weight has the gradient −1 per step, so it is e + 1 after epoch e.
  Network<double> net({.sizes = {1, 1}, .bias = false, .init = Initializer{InitializerKind::zeros}, .seed = 0});
  const std::vector<double> one{1.0};
  const ConstMatrixView<double> x(one.data(), 1, 1);
  std::size_t validations = 0;
  CustomLoss loss;
  loss.function_f32 = [](auto, auto, auto) { return 0.0; };
  // Target 1 marks training rows, target 2 marks validation rows.
  loss.function_f64 = [&](ConstMatrixView<double>, const Targets<double>& y, MatrixView<double> grad) {
    if (y.values()(0, 0) == 2.0) {
      return series.at(validations++);
    }
    grad(0, 0) = -1.0;
    return 1.0;
  };
  const std::vector<double> two{2.0};
  FitOptions<double> options{.epochs = series.size(), .batch_size = 1, .early_stopping = stopping};
  options.validation_data.emplace(x, Targets<double>(ConstMatrixView<double>(two.data(), 1, 1)));
  SGD sgd{.lr = 1.0};
  Outcome result{net.fit(x, x, loss, sgd, options), 0.0};
  result.weight = net.parameters()[0];
  return result;
}

struct StopCase {
  const char* name;
  std::vector<double> series;
  std::size_t patience;
  double min_delta;
  std::size_t epochs;  ///< that run
  std::size_t best;
};

TEST(EarlyStopping, CountsEpochsWithoutImprovement) {
  const StopCase cases[] = {
      {"equal is not an improvement", {1, 1, 1, 1, 1, 1}, 2, 0.0, 3, 0},
      {"falling", {6, 5, 4, 3, 2, 1}, 2, 0.0, 6, 5},
      {"an improvement ends the wait", {5, 6, 4, 6, 3, 6, 6, 1}, 2, 0.0, 7, 4},
      {"less than min_delta is not an improvement", {5, 4.5, 4, 3.5, 1}, 2, 1.5, 3, 0},
      {"exactly min_delta is not an improvement", {5, 4, 4, 1}, 2, 1.0, 3, 0},
      {"more than min_delta is an improvement", {5, 3, 2.5, 2.5, 0}, 2, 1.0, 4, 1},
      {"patience one", {1, 2, 0}, 1, 0.0, 2, 0},
      {"NaN is not an improvement", {3, kNaN, kNaN, 1}, 2, 0.0, 3, 0},
      {"the first number after NaN is an improvement", {kNaN, 3, 3, 3, 1}, 2, 0.0, 4, 1},
      {"negative losses", {-1, -2, -2, -1, -3}, 2, 0.0, 4, 1},
      {"a stop in the last epoch is not early", {1, 1, 1}, 2, 0.0, 3, 0},
  };
  for (const StopCase& c : cases) {
    const Outcome result = outcome_of(c.series, {.patience = c.patience, .min_delta = c.min_delta});
    EXPECT_EQ(result.history.epochs, c.epochs) << c.name;
    EXPECT_EQ(result.history.best_epoch, std::optional<std::size_t>(c.best)) << c.name;
    EXPECT_EQ(result.history.stopped_early, c.epochs < c.series.size()) << c.name;
    EXPECT_EQ(result.weight, static_cast<double>(c.best + 1)) << c.name << ": the best epoch's parameters";
    const Outcome kept =
        outcome_of(c.series, {.patience = c.patience, .min_delta = c.min_delta, .restore_best = false});
    EXPECT_EQ(kept.weight, static_cast<double>(c.epochs)) << c.name << ": the last epoch's parameters";
  }
}

TEST(EarlyStopping, TheLastOfEqualBestEpochsIsTheBestIfAsked) {
  struct TieCase {
    std::vector<double> series;
    std::size_t patience;
    double min_delta;
    std::size_t epochs;  ///< that run
    std::size_t first, last;
  };
  constexpr double inf = std::numeric_limits<double>::infinity();
  const TieCase cases[] = {
      {{3, 1, 2, 1, 1, 2}, 6, 0.0, 6, 1, 4},
      {{2, 2, 2}, 3, 0.0, 3, 0, 2},
      {{3, 1, 1, 0.5, 0.5, 1}, 6, 0.0, 6, 3, 4},
      {{3, 1, 1, 1, 1, 0}, 3, 0.0, 5, 1, 4},    // equal values do not extend the wait
      {{3, 2, 2.5, 2, 2.75}, 6, 1.0, 5, 0, 0},  // better, but not by more than min_delta, is not equal
      {{4, 2, 1.5, 2, 3}, 6, 1.0, 5, 1, 3},
      {{-0.0, 0.0, 1}, 3, 0.0, 3, 0, 1},
      {{inf, inf, kNaN}, 3, 0.0, 3, 0, 1},
      {{kNaN, kNaN, 1, kNaN}, 4, 0.0, 4, 2, 2},
  };
  for (const TieCase& c : cases) {
    for (const bool last : {false, true}) {
      const Outcome result =
          outcome_of(c.series, {.patience = c.patience, .min_delta = c.min_delta, .ties = last ? "last" : "first"});
      const std::size_t best = last ? c.last : c.first;
      EXPECT_EQ(result.history.epochs, c.epochs) << c.series[0];
      EXPECT_EQ(result.history.best_epoch, std::optional<std::size_t>(best)) << c.series[0];
      EXPECT_EQ(result.weight, static_cast<double>(best + 1)) << c.series[0];
    }
  }
}

TEST(EarlyStopping, RefusesWhatIsNotMonitoredAndANegativeDelta) {
  EXPECT_THROW((void)outcome_of({1, 1}, {.monitor = "val_mae"}), std::invalid_argument);
  EXPECT_THROW((void)outcome_of({1, 1}, {.ties = "both"}), std::invalid_argument);
  for (const double wrong : {-1.0, kNaN}) {
    EXPECT_THROW((void)outcome_of({1, 1}, {.min_delta = wrong}), std::invalid_argument);
  }
}

}  // namespace
}  // namespace backpass

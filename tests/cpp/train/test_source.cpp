// Training with rows from a source, window by window.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <new>
#include <numeric>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <backpass/backpass.hpp>

#include "train/task.hpp"

namespace backpass {
namespace {

constexpr std::size_t kSourceRows = 53;

/// The rows of a task in order. Each window is a copy that the next call overwrites.
class TaskSource : public RowSource<double> {
 public:
  TaskSource(const Task& task, std::size_t buffer_rows) : task_(task), buffer_rows_(buffer_rows) {}

  [[nodiscard]] std::size_t rows() const override { return kSourceRows; }
  [[nodiscard]] std::size_t buffer_rows() const override { return buffer_rows_; }
  void begin(const SourcePass& pass) override {
    passes.push_back(pass);
    first_ = 0;
  }
  RowWindow<double> next() override {
    if (++windows == failing_window) {
      throw std::runtime_error("the disk is gone");
    }
    const std::size_t window_rows = passes.back().window_rows;
    const std::size_t count = std::min(window_rows, kSourceRows - first_) - (windows == short_window ? 1 : 0);
    std::fill(x_.begin(), x_.end(), std::numeric_limits<double>::quiet_NaN());
    x_.assign(task_.X.row(first_), task_.X.row(first_) + count * 3);
    y_.assign(task_.y.begin() + static_cast<std::ptrdiff_t>(first_),
              task_.y.begin() + static_cast<std::ptrdiff_t>(first_ + count));
    weights_.clear();
    for (std::size_t r = 0; weighted && r < count; ++r) {
      weights_.push_back(1.0 + static_cast<double>((first_ + r) % 3));
    }
    first_ += count;
    RowWindow<double> window{{x_.data(), count, 3}, ConstMatrixView<double>(y_.data(), count, 1), weights_};
    if (change) {
      change(window);
    }
    return window;
  }

  std::vector<SourcePass> passes;
  std::size_t windows = 0;
  std::size_t failing_window = 0, short_window = 0;  ///< counted from 1
  bool weighted = false;
  std::function<void(RowWindow<double>&)> change;  ///< called with every window before it is returned

 private:
  const Task& task_;
  std::size_t buffer_rows_;
  std::size_t first_ = 0;
  std::vector<double> x_, y_, weights_;
};

std::vector<double> weights_of_task() {
  std::vector<double> weights;
  for (std::size_t r = 0; r < kSourceRows; ++r) {
    weights.push_back(1.0 + static_cast<double>(r % 3));
  }
  return weights;
}

TEST(Source, OneWindowGivesTheBitsOfTheArrays) {
  const Task task(kSourceRows);
  const std::vector<double> weights = weights_of_task();
  for (const std::size_t shards : {1U, 4U}) {
    for (const bool weighted : {false, true}) {
      Network<double> whole = make_network();
      Network<double> windowed(whole);
      Adam a;
      Adam b;
      FitOptions<double> options{.epochs = 3, .batch_size = 7, .seed = 5, .shards = shards};
      TaskSource source(task, kSourceRows);
      source.weighted = weighted;
      const History history = windowed.fit(source, MeanSquaredError{}, b, options);
      options.sample_weight = weighted ? std::span<const double>(weights) : std::span<const double>();
      const History expected = whole.fit(task.X, task.Y, MeanSquaredError{}, a, options);
      EXPECT_EQ(parameters_of(windowed), parameters_of(whole));
      for (std::size_t e = 0; e < 3; ++e) {
        EXPECT_NEAR(history["loss"][e], expected["loss"][e], 1e-14) << shards << " shards";
      }
      EXPECT_EQ(source.windows, 3U);
    }
  }
}

TEST(Source, WindowsInOrderGiveTheBitsOfTheArrays) {
  const Task task(kSourceRows);
  const std::vector<double> weights = weights_of_task();
  for (const std::size_t buffer_rows : {std::size_t{1}, std::size_t{7}, std::size_t{8}, std::size_t{20}, kSourceRows,
                                        std::numeric_limits<std::size_t>::max()}) {
    for (const std::size_t batch : {1U, 7U, 53U, 100U}) {
      Network<double> whole = make_network();
      Network<double> windowed(whole);
      Adam a;
      Adam b;
      FitOptions<double> options{.epochs = 2, .batch_size = batch, .shuffle = false};
      TaskSource source(task, buffer_rows);
      source.weighted = true;
      windowed.fit(source, MeanSquaredError{}, b, options);
      options.sample_weight = weights;
      whole.fit(task.X, task.Y, MeanSquaredError{}, a, options);
      EXPECT_EQ(parameters_of(windowed), parameters_of(whole)) << buffer_rows << " rows, batches of " << batch;
      ASSERT_EQ(source.passes.size(), 2U);
      EXPECT_EQ(source.passes[1].epoch, 1U);
      EXPECT_FALSE(source.passes[1].shuffle);
      const std::size_t window_rows = source.passes[0].window_rows;
      EXPECT_TRUE(window_rows % batch == 0 || window_rows == kSourceRows);
      EXPECT_GE(window_rows, std::min(buffer_rows, kSourceRows));
    }
  }
}

TEST(Source, TheOrderDependsOnTheSeed) {
  const Task task(kSourceRows);
  const auto train = [&](std::uint64_t seed, bool shuffle) {
    Network<double> net = make_network();
    Adam adam;
    TaskSource source(task, 14);
    net.fit(source, MeanSquaredError{}, adam, {.epochs = 2, .batch_size = 7, .shuffle = shuffle, .seed = seed});
    EXPECT_EQ(source.passes[0].seed, seed);
    return parameters_of(net);
  };
  EXPECT_EQ(train(3, true), train(3, true));
  EXPECT_NE(train(3, true), train(4, true));
  EXPECT_NE(train(3, true), train(3, false));
}

TEST(Source, EveryWindowOfEveryEpochHasAnotherOrder) {
  Task task(kSourceRows);
  std::iota(task.y.begin(), task.y.end(), 0.0);
  std::vector<std::size_t> seen;  // the rows, in the order of the steps
  CustomLoss loss;
  loss.function_f32 = [](auto, auto, auto) { return 0.0; };
  loss.function_f64 = [&](ConstMatrixView<double>, const Targets<double>& y, MatrixView<double>) {
    for (std::size_t r = 0; r < y.rows(); ++r) {
      seen.push_back(static_cast<std::size_t>(y.values()(r, 0)));
    }
    return 0.0;
  };
  Network<double> net = make_network();
  SGD sgd{.lr = 0.0};
  TaskSource source(task, 14);
  net.fit(source, loss, sgd, {.epochs = 2, .batch_size = 7});
  std::set<std::vector<std::size_t>> orders;
  for (std::size_t epoch = 0; epoch < 2; ++epoch) {
    for (std::size_t first = 0; first + 14 <= kSourceRows; first += 14) {
      const auto begin = seen.begin() + static_cast<std::ptrdiff_t>(epoch * kSourceRows + first);
      std::vector<std::size_t> order(begin, begin + 14);
      for (std::size_t& row : order) {
        row -= first;  // a row of another window becomes too large
      }
      EXPECT_TRUE(std::all_of(order.begin(), order.end(), [](std::size_t row) { return row < 14; }));
      orders.insert(order);
    }
  }
  EXPECT_EQ(orders.size(), 6U);
}

TEST(Source, ResumesWithinAnEpoch) {
  const Task task(kSourceRows);
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "backpass_source_resume";
  const FitOptions<double> options{.epochs = 3, .batch_size = 5, .seed = 5};
  Network<double> whole = make_network();
  Adam adam;
  TaskSource all(task, 10);
  whole.fit(all, MeanSquaredError{}, adam, options);
  for (std::size_t window = 2; window <= all.windows; ++window) {
    Network<double> net = make_network();
    Adam first;
    TaskSource source(task, 10);
    source.failing_window = window;
    TrainingMemory memory;
    FitOptions<double> part = options;
    part.memory = &memory;
    EXPECT_THROW(net.fit(source, MeanSquaredError{}, first, part), std::runtime_error);
    save(path, net, {.optimizer = first, .memory = &memory});

    Network<double> resumed = make_network();
    Adam second;
    TaskSource rest(task, 10);
    part = options;
    part.resume_from = path;
    resumed.fit(rest, MeanSquaredError{}, second, part);
    EXPECT_EQ(parameters_of(resumed), parameters_of(whole)) << "window " << window;

    TaskSource others(task, 15);
    EXPECT_THROW(resumed.fit(others, MeanSquaredError{}, second, part), std::invalid_argument);
    EXPECT_THROW(resumed.fit(task.X, task.Y, MeanSquaredError{}, second, part), std::invalid_argument);
  }
}

TEST(Source, CustomLossesAndValidation) {
  const Task task(kSourceRows);
  CustomLoss custom;
  const auto squares = [](auto a, auto y, auto grad) { return evaluate_loss(Loss(MeanSquaredError{}), a, y, grad); };
  custom.function_f32 = squares;
  custom.function_f64 = squares;
  for (const Loss& loss : {Loss(custom), Loss(MeanSquaredError{})}) {
    Network<double> whole = make_network();
    Network<double> windowed(whole);
    Adam a;
    Adam b;
    const FitOptions<double> options{.epochs = 2,
                                     .batch_size = 7,
                                     .shuffle = false,
                                     .validation_data = {{task.X, task.Y}},
                                     .early_stopping = EarlyStopping{},
                                     .metrics = {Metric::r2}};
    TaskSource source(task, 14);
    const History history = windowed.fit(source, loss, b, options);
    const History expected = whole.fit(task.X, task.Y, loss, a, options);
    EXPECT_EQ(parameters_of(windowed), parameters_of(whole));
    EXPECT_EQ(history["val_r2"], expected["val_r2"]);
    EXPECT_EQ(history["val_loss"], expected["val_loss"]);
    EXPECT_THROW((void)history["r2"], std::out_of_range);
  }
}

TEST(Source, RefusesWhatNeedsAllRows) {
  const Task task(kSourceRows);
  const std::vector<double> weights(kSourceRows, 1.0);
  const auto refused = [&](const FitOptions<double>& options, const std::string& text) {
    Network<double> net = make_network();
    const auto before = parameters_of(net);
    Adam adam;
    TaskSource source(task, 14);
    try {
      net.fit(source, MeanSquaredError{}, adam, options);
      ADD_FAILURE() << text;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
    }
    EXPECT_EQ(parameters_of(net), before);
    EXPECT_EQ(source.windows, 0U);
  };
  refused({.validation_split = 0.2}, "validation_split");
  refused({.sample_weight = weights}, "sample_weight");
  refused({.metrics = {Metric::r2}}, "validation_data");
}

TEST(Source, WithoutAnyWeightTheNetworkDoesNotChange) {
  const Task task(kSourceRows);
  Network<double> net = make_network();
  const auto before = parameters_of(net);
  AdamW adamw{.weight_decay = 0.5};
  TaskSource source(task, 14);
  const std::vector<double> zeros(14, 0.0);
  source.change = [&](RowWindow<double>& window) { window.sample_weight = std::span(zeros).first(window.x.rows()); };
  EXPECT_THROW(net.fit(source, MeanSquaredError{}, adamw, {.batch_size = 7}), std::invalid_argument);
  EXPECT_EQ(parameters_of(net), before);
}

TEST(Source, SaysWhichWindowIsWrong) {
  const Task task(kSourceRows);
  Network<double> net = make_network();
  Adam adam;
  TaskSource source(task, 14);
  source.short_window = 6;  // the second one of the second epoch: windows have 14 rows, the last 11
  try {
    net.fit(source, MeanSquaredError{}, adam, {.epochs = 3, .batch_size = 7});
    ADD_FAILURE();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(),
                 "rows from 14 on, in the order of epoch 2: the source gave a window of 13 rows instead of 14");
  }
}

TEST(Source, ReturnsToTheLastEpochIfMemoryEndsOrTheLossDoes) {
  const Task task(kSourceRows);
  for (const bool out_of_memory : {false, true}) {
    Network<double> net = make_network();
    Adam adam;
    TaskSource source(task, 14);
    std::vector<double> x;
    source.change = [&](RowWindow<double>& window) {
      if (source.windows == 6 && out_of_memory) {
        throw std::bad_alloc();
      }
      if (source.windows == 6) {
        x.assign(window.x.data(), window.x.data() + window.x.rows() * 3);
        x[4] = std::numeric_limits<double>::quiet_NaN();
        window.x = {x.data(), window.x.rows(), 3};
      }
    };
    std::vector<double> at_end_of_epoch;
    const FitOptions<double> options{.epochs = 3, .batch_size = 7, .on_epoch_end = [&](const EpochReport&) {
                                       at_end_of_epoch = parameters_of(net);
                                       return false;
                                     }};
    if (out_of_memory) {
      EXPECT_THROW(net.fit(source, MeanSquaredError{}, adam, options), std::bad_alloc);
    } else {
      try {
        net.fit(source, MeanSquaredError{}, adam, options);
        ADD_FAILURE();
      } catch (const DivergenceError& error) {
        const std::string text = "rows from 14 on, in the order of epoch 2: x[1, 1] is nan: remove such rows";
        EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
      }
    }
    EXPECT_EQ(parameters_of(net), at_end_of_epoch);
  }
}

}  // namespace
}  // namespace backpass

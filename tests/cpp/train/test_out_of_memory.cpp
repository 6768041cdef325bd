// operator new fails at its N-th call, for every N, during fit. Then the network, the optimizer and the schedule must
// have the state of the last finished epoch: that of an undisturbed training with this number of epochs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include <backpass/backpass.hpp>

#include "train/failing_new.hpp"
#include "train/task.hpp"

namespace backpass {
namespace {

struct Trained {
  std::vector<double> parameters;
  std::uint64_t dropout_pass = 0;
  std::vector<std::vector<double>> slots;
  std::vector<OptimizerState::Group> groups;
  double best = 0.0;
  double weight_decay = 0.0;
  [[maybe_unused]] friend bool operator==(const Trained&, const Trained&) = default;
};

class Training {
 public:
  Training()
      : net_({.sizes = {3, 16, 1}, .activation = Activation::tanh(), .dropout = 0.1, .seed = 4}),
        schedule_(schedules::ReduceOnPlateau{.patience = 1}) {
    options_.batch_size = 16;
    options_.seed = 1;
    options_.validation_split = 0.25;
    options_.metrics = {Metric::r2};
    options_.early_stopping = EarlyStopping{.restore_best = false};
    options_.schedule = &schedule_;
    options_.dropout_schedule =
        schedules::LinearWarmup{.steps = 3, .then = std::make_shared<Schedule>(schedules::Cosine{.period = 3})};
    options_.weight_decay_schedule = schedules::FlatCosine{.total_steps = 9};
    options_.on_epoch_end = [this](const EpochReport&) {
      ++finished_;
      return false;
    };
  }
  void fit(const Task& task, std::size_t epochs) {
    options_.epochs = epochs;
    net_.fit(task.X, task.Y, MeanSquaredError{}, adam_, options_);
  }
  [[nodiscard]] Trained state() {
    return {parameters_of(net_), net_.dropout_state().pass,   adam_.state.slots_f64,
            adam_.state.groups,  plateau_of(schedule_)->best, adam_.weight_decay};
  }
  [[nodiscard]] std::size_t finished() const { return finished_; }

 private:
  Network<double> net_;
  Adam adam_{.lr = 1e-2, .weight_decay = 0.1};
  Schedule schedule_;
  FitOptions<double> options_;
  std::size_t finished_ = 0;
};

#if defined(BACKPASS_NEW_FAILS)
TEST(OutOfMemory, FitRestoresTheLastFinishedEpoch) {
  constexpr std::size_t kEpochs = 3;
  const int threads = get_num_threads();
  set_num_threads(1);
  const Task task(64);
  std::vector<Trained> expected;
  for (std::size_t epochs = 0; epochs <= kEpochs; ++epochs) {
    Training undisturbed;
    undisturbed.fit(task, epochs);
    expected.push_back(undisturbed.state());
  }
  long failures = 0;
  for (bool failed = true; failed; failures += failed ? 1 : 0) {
    ASSERT_LT(failures, 20000);
    Training training;
    failed = false;
    try {
      const test::FailingNew failing(failures);
      training.fit(task, kEpochs);
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    ASSERT_EQ(training.finished(), failed ? std::min(training.finished(), kEpochs) : kEpochs);
    ASSERT_TRUE(training.state() == expected[training.finished()]) << "allocation " << failures << " failed";
  }
  EXPECT_GT(failures, 10);
  set_num_threads(threads);
}
#endif

/// std::bad_alloc from a callback also restores the last finished epoch.
TEST(OutOfMemory, InACallbackToo) {
  const Task task(64);
  Network<double> net = make_network();
  Network<double> expected = make_network();
  SGD sgd{.lr = 0.05, .momentum = 0.9};
  SGD other{.lr = 0.05, .momentum = 0.9};
  FitOptions<double> options;
  options.epochs = 2;
  expected.fit(task.X, task.Y, MeanSquaredError{}, other, options);
  options.epochs = 5;
  options.on_epoch_end = [](const EpochReport& report) -> bool {
    if (report.epoch == 2) {
      throw std::bad_alloc();
    }
    return false;
  };
  EXPECT_THROW(net.fit(task.X, task.Y, MeanSquaredError{}, sgd, options), std::bad_alloc);
  EXPECT_EQ(parameters_of(net), parameters_of(expected));
  EXPECT_EQ(sgd.state.slots_f64, other.state.slots_f64);
}

}  // namespace
}  // namespace backpass

// Ensemble::fit: every member gets the bits of Network::fit alone, with any number of threads, also if another member
// fails.
#include <backpass/backpass.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <limits>
#include <new>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "train/task.hpp"

namespace backpass {
namespace {

constexpr std::size_t kMembers = 5;

template <class T>
struct EnsembleData {
  explicit EnsembleData(std::size_t rows)
      : task(rows), x(task.x.begin(), task.x.end()), y(task.y.begin(), task.y.end()) {
    X = {x.data(), rows, 3};
    Y = {y.data(), rows, 1};
  }
  Task task;
  std::vector<T> x, y;
  ConstMatrixView<T> X, Y;
};

/// A sweep: the members differ in every setting that may differ.
template <class T>
struct Sweep {
  explicit Sweep(std::size_t members = kMembers) {
    const std::vector<std::uint64_t> seeds = ensemble_seeds(7, members);
    for (std::size_t k = 0; k < members; ++k) {
      optimizers.push_back(k % 3 == 0   ? Optimizer(Adam{.lr = 0.01 * static_cast<double>(k + 1)})
                           : k % 3 == 1 ? Optimizer(SGD{.lr = 0.05, .momentum = 0.9})
                                        : Optimizer(AdamW{.lr = 0.01, .weight_decay = 0.1}));
      FitOptions<T>& own = options.emplace_back();
      own.epochs = 6 + k;
      own.batch_size = 8 + 5 * k;
      own.seed = seeds[k];
      own.validation_split = 0.25;
      own.metrics = {Metric::mae};
      own.gradient = {.l1 = k == 1 ? 1e-3 : 0.0, .l2 = 1e-3 * static_cast<double>(k), .clip_norm = k == 2 ? 0.1 : 0.0};
      own.dropout_schedule = schedules::CosLog{};
      if (k % 3 == 2) {
        own.weight_decay_schedule = schedules::FlatCosine{};
      }
      if (k % 2 == 0) {
        own.early_stopping = EarlyStopping{.patience = 1 + k};
      }
      schedules.push_back(k % 2 == 0 ? Schedule(schedules::ReduceOnPlateau{.patience = 0})
                                     : Schedule(schedules::Cosine{}));
    }
    for (std::size_t k = 0; k < members; ++k) {
      options[k].schedule = &schedules[k];
      references.emplace_back(optimizers[k]);
    }
  }
  std::deque<Optimizer> optimizers;
  std::deque<Schedule> schedules;
  std::vector<FitOptions<T>> options;
  std::vector<OptimizerRef> references;
};

template <class T>
Ensemble<T> make_ensemble(std::size_t members = kMembers) {
  return Ensemble<T>({.sizes = {3, 16, 16, 1}, .activation = Activation::tanh(), .dropout = 0.2, .seed = 4}, members);
}

template <class T>
std::vector<T> parameters_of(const Network<T>& network) {
  return {network.parameters().begin(), network.parameters().end()};
}

template <class T>
class EnsembleFit : public ::testing::Test {};
using EnsembleTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(EnsembleFit, EnsembleTypes);

TYPED_TEST(EnsembleFit, EveryMemberHasTheBitsOfFitAlone) {
  using T = TypeParam;
  const EnsembleData<T> data(150);
  const Ensemble<T> start = make_ensemble<T>();
  std::vector<Network<T>> alone;
  std::vector<History> expected;
  Sweep<T> own;
  for (std::size_t k = 0; k < kMembers; ++k) {
    alone.push_back(start[k]);
    expected.push_back(alone[k].fit(data.X, data.Y, MeanSquaredError{}, own.references[k], own.options[k]));
  }
  for (const int threads : {1, 2, 3, 8}) {
    Ensemble<T> together = start;
    Sweep<T> sweep;
    const std::vector<History> histories =
        together.fit(data.X, data.Y, MeanSquaredError{}, std::span<const OptimizerRef>(sweep.references),
                     std::span<const FitOptions<T>>(sweep.options), {.num_threads = threads});
    ASSERT_EQ(histories.size(), kMembers);
    for (std::size_t k = 0; k < kMembers; ++k) {
      SCOPED_TRACE(std::to_string(threads) + " threads, member " + std::to_string(k));
      EXPECT_EQ(parameters_of(together[k]), parameters_of(alone[k]));
      EXPECT_EQ(together[k].dropout_state().pass, alone[k].dropout_state().pass);
      EXPECT_EQ(sweep.references[k].state().template arrays<T>(), own.references[k].state().template arrays<T>());
      EXPECT_EQ(sweep.references[k].lr(), own.references[k].lr());
      expect_same(histories[k], expected[k]);
    }
  }
}

TYPED_TEST(EnsembleFit, OneOptimizerIsCopiedAndSeedsComeFromOne) {
  using T = TypeParam;
  const EnsembleData<T> data(60);
  const Ensemble<T> start = make_ensemble<T>();
  schedules::ReduceOnPlateau plateau{.patience = 0};
  Schedule schedule = plateau;
  const Optimizer adam = Adam{.lr = 0.1};
  FitOptions<T> options{.epochs = 5, .schedule = &schedule, .seed = 3};
  Ensemble<T> together = start;
  const std::vector<History> histories = together.fit(data.X, data.Y, MeanSquaredError{}, adam, options);
  const std::vector<std::uint64_t> seeds = ensemble_seeds(3, kMembers);
  for (std::size_t k = 0; k < kMembers; ++k) {
    Network<T> alone = start[k];
    Optimizer own = adam;
    FitOptions<T> own_options = options;
    own_options.seed = seeds[k];
    expect_same(histories[k], alone.fit(data.X, data.Y, MeanSquaredError{}, own, own_options));
    EXPECT_EQ(parameters_of(together[k]), parameters_of(alone));
  }
  EXPECT_TRUE(OptimizerRef(const_cast<Optimizer&>(adam)).state().groups.empty());
}

TYPED_TEST(EnsembleFit, FewLargeMembersShareTheirSteps) {
  using T = TypeParam;
  // 3 · 64 · 300,000 multiply-adds per step: enough for more threads than there are members.
  const EnsembleData<T> data(128);
  const Ensemble<T> start({.sizes = {3, 400, 700, 1}, .seed = 1}, 2);
  const FitOptions<T> options{.epochs = 2, .batch_size = 64, .seed = 5};
  Ensemble<T> one_thread = start;
  Ensemble<T> eight = start;
  const auto a = one_thread.fit(data.X, data.Y, MeanSquaredError{}, Adam{}, options, {.num_threads = 1});
  const auto b = eight.fit(data.X, data.Y, MeanSquaredError{}, Adam{}, options, {.num_threads = 8});
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(parameters_of(one_thread[k]), parameters_of(eight[k]));
    expect_same(a[k], b[k]);
  }
}

TEST(EnsembleFitTurns, EndWithinAnEpoch) {
  // 20,000 steps per epoch take longer than a turn.
  const EnsembleData<float> data(20'000);
  const Ensemble<float> start = make_ensemble<float>(3);
  const FitOptions<float> options{.epochs = 2, .batch_size = 1, .validation_split = 0.1, .seed = 5};
  Ensemble<float> together = start;
  const auto histories = together.fit(data.X, data.Y, MeanSquaredError{}, Adam{}, options, {.num_threads = 2});
  for (std::size_t k = 0; k < 3; ++k) {
    Network<float> alone = start[k];
    Adam adam;
    FitOptions<float> own = options;
    own.seed = ensemble_seeds(5, 3)[k];
    expect_same(histories[k], alone.fit(data.X, data.Y, MeanSquaredError{}, adam, own));
    EXPECT_EQ(parameters_of(together[k]), parameters_of(alone));
  }
}

TEST(EnsembleFitDivergence, NamesTheMemberAndTrainsTheOthers) {
  const EnsembleData<double> data(80);
  const Ensemble<double> start = make_ensemble<double>();
  for (const int threads : {1, 3}) {
    Ensemble<double> together = start;
    Sweep<double> sweep;
    sweep.references[1].set_lr(1e200);
    sweep.references[3].set_lr(1e200);
    sweep.options[1].schedule = sweep.options[3].schedule = nullptr;
    try {
      together.fit(data.X, data.Y, MeanSquaredError{}, std::span<const OptimizerRef>(sweep.references),
                   std::span<const FitOptions<double>>(sweep.options), {.num_threads = threads});
      FAIL();
    } catch (const DivergenceError& error) {
      EXPECT_EQ(error.member(), 1U);
      EXPECT_EQ(error.epoch(), 0U);
      EXPECT_EQ(std::string(error.what()).rfind("member 1: the loss became", 0), 0U) << error.what();
      EXPECT_NE(std::string(error.what()).find("Also diverged: members 3."), std::string::npos) << error.what();
    }
    Sweep<double> own;
    for (std::size_t k = 0; k < kMembers; ++k) {
      Network<double> alone = start[k];
      if (k % 2 == 0) {
        alone.fit(data.X, data.Y, MeanSquaredError{}, own.references[k], own.options[k]);
      }
      EXPECT_EQ(parameters_of(together[k]), parameters_of(alone)) << k;
    }
  }
}

TEST(EnsembleFitRefusals, ChangeNothing) {
  const EnsembleData<double> data(40);
  Ensemble<double> ensemble = make_ensemble<double>();
  const Ensemble<double> before = ensemble;
  const auto message_of = [&](auto change) {
    Sweep<double> sweep;
    std::get<schedules::ReduceOnPlateau>(sweep.schedules[0]).factor = 0.25;
    change(sweep);
    try {
      ensemble.fit(data.X, data.Y, MeanSquaredError{}, std::span<const OptimizerRef>(sweep.references),
                   std::span<const FitOptions<double>>(sweep.options));
    } catch (const std::invalid_argument& error) {
      for (std::size_t k = 0; k < kMembers; ++k) {
        EXPECT_EQ(parameters_of(ensemble[k]), parameters_of(before[k]));
        EXPECT_TRUE(sweep.references[k].state().groups.empty());
      }
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(message_of([](auto& sweep) { sweep.options.pop_back(); }),
            "the ensemble has 5 members, but there are 5 optimizers and 4 options");
  EXPECT_EQ(message_of([](auto& sweep) { sweep.references[3] = sweep.references[0]; }),
            "the optimizer of members 0 and 3 is the same object: each member needs its own");
  EXPECT_EQ(message_of([](auto& sweep) { sweep.options[4].schedule = sweep.options[2].schedule; }),
            "the schedule of members 2 and 4 is the same object: each member needs its own");
  EXPECT_EQ(message_of([](auto& sweep) { sweep.options[4].batch_size = 0; }),
            "member 4: fit: batch_size = 0, but it must be at least 1");
  EXPECT_EQ(message_of([](auto& sweep) { sweep.options[1].on_epoch_end = [](const EpochReport&) { return true; }; }),
            "an ensemble does not call functions per member: use those of EnsembleRun");
  EXPECT_EQ(message_of([](auto& sweep) { sweep.options[1].checkpoint = "file"; }),
            "an ensemble has no memory, checkpoint and resume_from");
  Ensemble<double> moved = std::move(ensemble);
  EXPECT_THROW(ensemble.fit(data.X, data.Y, MeanSquaredError{}, Adam{}, {}), StateError);  // NOLINT
}

TEST(EnsembleFitRun, EpochsEndTogetherAndStopTogether) {
  const EnsembleData<double> data(60);
  const Ensemble<double> start = make_ensemble<double>();
  for (const int threads : {1, 3}) {
    Ensemble<double> together = start;
    std::vector<std::size_t> epochs;
    const EnsembleRun run{.num_threads = threads,
                          .on_begin = [](const BeginReport& report) { EXPECT_EQ(report.rows, 60U); },
                          .on_epoch_end =
                              [&](const EnsembleEpochReport& report) {
                                epochs.push_back(report.epoch);
                                EXPECT_EQ(report.histories.size(), kMembers);
                                for (const History* history : report.histories) {
                                  EXPECT_EQ(history->epochs, report.epoch + 1);
                                }
                                return report.epoch == 3;
                              }};
    const auto histories =
        together.fit(data.X, data.Y, MeanSquaredError{}, Adam{}, FitOptions<double>{.epochs = 9, .seed = 1}, run);
    EXPECT_EQ(epochs, (std::vector<std::size_t>{0, 1, 2, 3}));
    for (std::size_t k = 0; k < kMembers; ++k) {
      Network<double> alone = start[k];
      Adam adam;
      alone.fit(data.X, data.Y, MeanSquaredError{}, adam, {.epochs = 4, .seed = ensemble_seeds(1, kMembers)[k]});
      EXPECT_EQ(parameters_of(together[k]), parameters_of(alone));
      EXPECT_TRUE(histories[k].stopped_early);
    }
  }
}

TEST(EnsembleFitRun, AnEarlyMemberDoesNotDelayTheOthers) {
  const EnsembleData<double> data(60);
  Ensemble<double> ensemble = make_ensemble<double>(2);
  std::deque<Optimizer> optimizers(2, Adam{});
  const std::vector<OptimizerRef> references(optimizers.begin(), optimizers.end());
  const std::vector<FitOptions<double>> options{{.epochs = 2, .seed = 1}, {.epochs = 5, .seed = 1}};
  std::vector<std::size_t> first;
  const auto histories = ensemble.fit(data.X, data.Y, MeanSquaredError{}, std::span<const OptimizerRef>(references),
                                      std::span<const FitOptions<double>>(options),
                                      {.num_threads = 2, .on_epoch_end = [&](const EnsembleEpochReport& report) {
                                         first.push_back(report.histories[0]->epochs);
                                         return false;
                                       }});
  EXPECT_EQ(first, (std::vector<std::size_t>{1, 2, 2, 2, 2}));
  EXPECT_EQ(histories[0].epochs, 2U);
  EXPECT_EQ(histories[1].epochs, 5U);
}

TEST(EnsembleFitRun, ProgressRisesToOneAndStops) {
  const EnsembleData<double> data(2000);
  Ensemble<double> ensemble = make_ensemble<double>();
  std::vector<double> done;
  const std::thread::id caller = std::this_thread::get_id();
  const EnsembleRun run{.num_threads = 3, .on_progress = [&](const EnsembleProgressReport& report) {
                          EXPECT_EQ(std::this_thread::get_id(), caller);
                          EXPECT_EQ(report.loss > 0.0, report.done > 0.0);  // a slow machine reports before a step
                          done.push_back(report.done);
                          return false;
                        }};
  const FitOptions<double> options{.epochs = 20, .seed = 1};
  ensemble.fit(data.X, data.Y, MeanSquaredError{}, Adam{}, options, run);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
  EXPECT_EQ(done.back(), 1.0);

  const EnsembleRun stopped{.num_threads = 3, .on_progress = [](const EnsembleProgressReport&) { return true; }};
  FitOptions<double> endless = options;
  endless.epochs = 1'000'000;
  for (const History& history : ensemble.fit(data.X, data.Y, MeanSquaredError{}, Adam{}, endless, stopped)) {
    EXPECT_TRUE(history.stopped_early);
    EXPECT_LT(history.epochs, endless.epochs);
  }
}

/// The parameters of one member alone after each step, in the batches of a fit without shuffling.
std::vector<std::vector<double>> states_of_steps(Network<double> network, const EnsembleData<double>& data,
                                                 std::size_t epochs) {
  std::vector<std::vector<double>> states{parameters_of(network)};
  Adam adam;
  for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
    for (std::size_t row = 0; row < data.X.rows(); row += 32) {
      const std::size_t count = std::min<std::size_t>(32, data.X.rows() - row);
      network.train_step(data.X.middle_rows(row, count), data.Y.middle_rows(row, count), MeanSquaredError{}, adam);
      states.push_back(parameters_of(network));
    }
  }
  return states;
}

TEST(EnsembleFitInterrupt, LeavesEveryMemberAtAStepBoundary) {
  struct Stopped {};
  const EnsembleData<double> data(300);
  const Ensemble<double> start = make_ensemble<double>();
  for (const int threads : {1, 3}) {
    std::set<std::size_t> steps;
    for (int looks = 1; looks < 400; looks += 37) {
      Ensemble<double> together = start;
      Sweep<double> sweep;
      for (std::size_t k = 0; k < kMembers; ++k) {
        sweep.options[k] = {.epochs = 4, .shuffle = false};
        sweep.optimizers[k] = Adam{};
        sweep.references[k] = sweep.optimizers[k];
      }
      int looked = 0;
      bool interrupted = false;
      try {
        const InterruptScope scope(
            [&] {
              if (++looked == looks) {
                throw Stopped();
              }
            },
            std::chrono::nanoseconds(0));
        together.fit(data.X, data.Y, MeanSquaredError{}, std::span<const OptimizerRef>(sweep.references),
                     std::span<const FitOptions<double>>(sweep.options), {.num_threads = threads});
      } catch (const Stopped&) {
        interrupted = true;
      }
      for (std::size_t k = 0; k < kMembers; ++k) {
        const auto& groups = sweep.references[k].state().groups;
        const auto step = groups.empty() ? std::size_t{0} : static_cast<std::size_t>(groups[0].step);
        const auto states = states_of_steps(start[k], data, 4);
        ASSERT_LT(step, states.size());
        EXPECT_EQ(parameters_of(together[k]), states[step]) << k << " after " << step;
        EXPECT_EQ(together[k].dropout_state().pass, step);
        if (interrupted) {
          steps.insert(step);
        }
      }
    }
    // With helpers, the machine decides at which step they are when the caller is interrupted.
    EXPECT_GT(steps.size(), threads == 1 ? 3U : 0U);
  }
}

TEST(EnsembleFitMemory, BadAllocRestoresTheLastFinishedEpochOfEveryMember) {
  const EnsembleData<double> data(3000);
  const Ensemble<double> start = make_ensemble<double>();
  const FitOptions<double> options{.epochs = 400, .seed = 2};
  Ensemble<double> together = start;
  Sweep<double> sweep;
  for (std::size_t k = 0; k < kMembers; ++k) {
    sweep.options[k] = options;
    sweep.optimizers[k] = Adam{};
    sweep.references[k] = sweep.optimizers[k];
  }
  EXPECT_THROW(together.fit(data.X, data.Y, MeanSquaredError{}, std::span<const OptimizerRef>(sweep.references),
                            std::span<const FitOptions<double>>(sweep.options),
                            {.num_threads = 3,
                             .on_progress = [](const EnsembleProgressReport&) -> bool { throw std::bad_alloc(); }}),
               std::bad_alloc);
  const std::size_t steps_per_epoch = (data.X.rows() + 31) / 32;
  for (std::size_t k = 0; k < kMembers; ++k) {
    const auto& groups = sweep.references[k].state().groups;
    const auto steps = groups.empty() ? std::size_t{0} : static_cast<std::size_t>(groups[0].step);
    EXPECT_EQ(steps % steps_per_epoch, 0U);
    Network<double> alone = start[k];
    Adam adam;
    FitOptions<double> finished = options;
    finished.epochs = steps / steps_per_epoch;
    alone.fit(data.X, data.Y, MeanSquaredError{}, adam, finished);
    EXPECT_EQ(parameters_of(together[k]), parameters_of(alone));
  }
}

TEST(EnsembleFitFunctions, AreCalledOnTheCallersThread) {
  const EnsembleData<double> data(50);
  Ensemble<double> ensemble = make_ensemble<double>();
  const std::thread::id caller = std::this_thread::get_id();
  std::size_t calls = 0;
  FitOptions<double> options{.epochs = 2, .seed = 1};
  options.custom_metrics = {{"rows", [&](ConstMatrixView<double> a, Targets<double>, std::span<const double>) {
                               EXPECT_EQ(std::this_thread::get_id(), caller);
                               ++calls;
                               return static_cast<double>(a.rows());
                             }}};
  const auto histories = ensemble.fit(data.X, data.Y, MeanSquaredError{}, Adam{}, options, {.num_threads = 3});
  EXPECT_EQ(calls, 2 * kMembers);
  EXPECT_EQ(histories[4]["rows"], (std::vector<double>{50, 50}));
}

}  // namespace
}  // namespace backpass

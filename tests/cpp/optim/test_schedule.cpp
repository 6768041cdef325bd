// Schedules compared with tables: closed forms evaluated by hand or in 40 digits, or values of torch.optim.lr_scheduler
// in PyTorch 2.13.
#include <backpass/schedule.hpp>

#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace backpass {
namespace {

constexpr std::int64_t kNow = 1'000'003;  // a value for the time unit that the schedule ignores

void expect_by_epoch(const Schedule& schedule, double base, const std::vector<double>& expected) {
  for (std::size_t t = 0; t < expected.size(); ++t) {
    EXPECT_NEAR(scheduled_lr(schedule, base, static_cast<std::int64_t>(t), kNow), expected[t], 1e-15) << "epoch " << t;
  }
}
void expect_by_step(const Schedule& schedule, double base, const std::vector<double>& expected) {
  for (std::size_t t = 0; t < expected.size(); ++t) {
    EXPECT_NEAR(scheduled_lr(schedule, base, kNow, static_cast<std::int64_t>(t)), expected[t], 1e-15) << "step " << t;
  }
}

std::shared_ptr<Schedule> shared(Schedule schedule) { return std::make_shared<Schedule>(std::move(schedule)); }

TEST(Schedule, Constant) {
  expect_by_epoch(schedules::Constant{}, 0.1, {0.1, 0.1, 0.1});
  expect_by_step(schedules::Constant{}, 0.1, {0.1, 0.1, 0.1});
}

TEST(Schedule, Step) {
  expect_by_epoch(schedules::Step{.step_size = 3, .gamma = 0.5}, 0.1, {0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025});
}

TEST(Schedule, Exponential) {
  expect_by_epoch(schedules::Exponential{.gamma = 0.9}, 0.1, {0.1, 0.09, 0.081, 0.0729, 0.06561, 0.059049});
}

TEST(Schedule, CosineStaysAtItsEnd) {
  expect_by_epoch(schedules::Cosine{.period = 8, .min_lr = 0.02}, 0.1,
                  {0.1, 0.09695518130045147, 0.0882842712474619, 0.0753073372946036, 0.06, 0.04469266270539641,
                   0.0317157287525381, 0.023044818699548532, 0.02, 0.02, 0.02});
}

TEST(Schedule, OneCycleStaysAtItsEnd) {
  expect_by_step(
      schedules::OneCycle{
          .max_lr = 0.5, .total_steps = 10, .pct_start = 0.4, .div_factor = 10, .final_div_factor = 100},
      123.0,
      {0.05, 0.1625, 0.3875, 0.5, 0.4665398445951636, 0.375125, 0.25025, 0.125375, 0.033960155404836434, 0.0005, 0.0005,
       0.0005});
  expect_by_step(schedules::OneCycle{.max_lr = 0.01, .total_steps = 7}, 0.1,
                 {0.0004, 0.009805566273349588, 0.009190443762697106, 0.00672683836480545, 0.003577387757396571,
                  0.0009929679189326559, 4e-08});
  expect_by_step(schedules::OneCycle{.total_steps = 4, .pct_start = 0.0}, 0.1,
                 {0.008535539763797114, 0.00500002, 0.0014645002362028865, 4e-08});
  expect_by_step(schedules::OneCycle{.total_steps = 4, .pct_start = 1.0}, 0.1, {0.0004, 0.0028, 0.0076, 0.01, 0.01});
  // The rise is a single step. PyTorch divides by zero here; the library gives the peak.
  expect_by_step(schedules::OneCycle{.total_steps = 2, .pct_start = 0.5}, 0.1, {0.01, 4e-08});
  expect_by_step(schedules::OneCycle{.total_steps = 1, .pct_start = 1.0}, 0.1, {0.01, 0.01});
}

TEST(Schedule, CosLogStaysAtItsEnd) {
  expect_by_step(schedules::CosLog{.cycles = 4, .total_steps = 16}, 0.1,
                 {0.0, 0.0020563690960599002, 0.09945307335869032, 0.004660505115767212, 0.04934892754647973,
                  0.0999400478058134, 0.056914265240332086, 0.006357828214269657, 0.007361893418585554,
                  0.04636046312139549, 0.08536409741706627, 0.09999997655891057, 0.08756577310807727,
                  0.05902964123724915, 0.028660177070594102, 0.007304210734090355, 0.0, 0.0, 0.0});
  expect_by_step(schedules::CosLog{.cycles = 2, .total_steps = 9}, 0.1,
                 {0.0, 0.0930430970431205, 0.054090303356779584, 0.0, 0.041370253376104484, 0.0930430970431205,
                  0.0930430970431205, 0.054090303356779584, 0.014762789758791943, 0.0, 0.0});
  // The cycles have 1, 2, 4 and 8 of 15 parts. With one cycle, the rate is base at log2(1 + t) = 1/2.
  for (const std::int64_t end : {0, 1, 3, 7, 15}) {
    EXPECT_NEAR(scheduled_lr(schedules::CosLog{.total_steps = 15'000'000}, 0.1, kNow, end * 1'000'000), 0.0, 1e-15);
  }
  EXPECT_NEAR(scheduled_lr(schedules::CosLog{.cycles = 1, .total_steps = 10'000'000}, 0.1, kNow, 4'142'136), 0.1, 1e-8);
  EXPECT_NEAR(scheduled_lr(schedules::CosLog{.cycles = 62, .total_steps = 4}, 0.1, kNow, 2), 0.0, 1e-15);
}

TEST(Schedule, FlatCosineStaysAtItsEnd) {
  expect_by_step(schedules::FlatCosine{.total_steps = 8}, 0.1,
                 {0.1, 0.1, 0.1, 0.1, 0.1, 0.08535533905932738, 0.05, 0.014644660940672623, 0.0, 0.0});
  expect_by_step(schedules::FlatCosine{.flat = 0.25, .total_steps = 5}, 0.1,
                 {0.1, 0.1, 0.09045084971874737, 0.05522642316338267, 0.01654346968205709, 0.0, 0.0});
  expect_by_step(schedules::FlatCosine{.flat = 0.0, .total_steps = 3}, 0.1, {0.1, 0.075, 0.025, 0.0});
  expect_by_step(schedules::FlatCosine{.flat = 1.0, .total_steps = 2}, 0.1, {0.1, 0.1, 0.0, 0.0});
}

TEST(Schedule, SomeNeedTheirLength) {
  for (const Schedule& open : {Schedule(schedules::OneCycle{}), Schedule(schedules::CosLog{}),
                               Schedule(schedules::FlatCosine{}), Schedule(schedules::Cosine{})}) {
    EXPECT_NO_THROW(validate(open));
    EXPECT_THROW((void)scheduled_lr(open, 0.1, 0, 0), std::invalid_argument);
  }
}

TEST(Schedule, InverseScaling) {
  expect_by_step(schedules::InverseScaling{}, 0.6,
                 {0.6, 0.6 / std::sqrt(2.0), 0.6 / std::sqrt(3.0), 0.3, 0.6 / std::sqrt(5.0)});
  expect_by_step(schedules::InverseScaling{.power = 1.0}, 0.6, {0.6, 0.3, 0.2, 0.15, 0.12, 0.1});
}

TEST(Schedule, LinearWarmup) {
  // torch.optim.lr_scheduler.LinearLR(start_factor=0.2, total_iters=5)
  expect_by_step(schedules::LinearWarmup{.steps = 5, .start_factor = 0.2}, 0.1,
                 {0.02, 0.036, 0.052, 0.068, 0.084, 0.1, 0.1, 0.1});
  expect_by_step(schedules::LinearWarmup{.steps = 4}, 0.1, {0.0, 0.025, 0.05, 0.075, 0.1});
  expect_by_step(schedules::LinearWarmup{.steps = 0}, 0.1, {0.1, 0.1});
}

TEST(Schedule, AfterAWarmupStepsCountFromZeroAndEpochsContinue) {
  expect_by_step(schedules::LinearWarmup{.steps = 2, .then = shared(schedules::InverseScaling{.power = 1.0})}, 0.6,
                 {0.0, 0.3, 0.6, 0.3, 0.2, 0.15});
  const Schedule by_epoch = schedules::LinearWarmup{.steps = 2, .then = shared(schedules::Exponential{.gamma = 0.5})};
  EXPECT_DOUBLE_EQ(scheduled_lr(by_epoch, 0.8, 3, 1), 0.4);
  EXPECT_DOUBLE_EQ(scheduled_lr(by_epoch, 0.8, 3, 2), 0.1);
  const Schedule twice = schedules::LinearWarmup{
      .steps = 2, .then = shared(schedules::LinearWarmup{.steps = 2, .start_factor = 0.5, .then = nullptr})};
  expect_by_step(twice, 0.8, {0.0, 0.4, 0.4, 0.6, 0.8});
}

// ---- ReduceOnPlateau: the losses, and the rates of ReduceLROnPlateau after each.

const std::vector<double> kLosses{1,   0.9, 0.895, 0.9, 0.892, 0.95, 0.95, 0.95, 0.95, 0.5, 0.6,
                                  0.6, 0.6, 0.6,   0.6, 0.6,   0.6,  0.6,  0.6,  0.6,  0.6, 0.6};
const std::vector<double> kRates{0.1,   0.1,  0.1,  0.1,  0.05, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025,
                                 0.025, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02,  0.02,  0.02};
const schedules::ReduceOnPlateau kPlateau{
    .factor = 0.5, .patience = 2, .threshold = 0.01, .cooldown = 1, .min_lr = 0.02};

void expect_plateau(Schedule schedule) {
  ASSERT_EQ(kLosses.size(), kRates.size());
  for (std::size_t t = 0; t < kLosses.size(); ++t) {
    observe(schedule, 0.1, kLosses[t]);
    EXPECT_NEAR(scheduled_lr(schedule, 0.1, 0, 1000), kRates[t], 1e-15) << "epoch " << t;
  }
}

TEST(Schedule, ReduceOnPlateau) { expect_plateau(kPlateau); }
TEST(Schedule, ReduceOnPlateauBehindAWarmup) {
  expect_plateau(schedules::LinearWarmup{.steps = 10, .then = shared(kPlateau)});
}

TEST(Schedule, ReduceOnPlateauNeverRaises) {
  Schedule schedule = schedules::ReduceOnPlateau{.patience = 0, .min_lr = 0.5};
  for (int t = 0; t < 5; ++t) {
    observe(schedule, 0.1, 1.0);
  }
  EXPECT_EQ(scheduled_lr(schedule, 0.1, 0, 0), 0.1);
  Schedule zero = schedules::ReduceOnPlateau{.patience = 0};
  for (int t = 0; t < 5; ++t) {
    observe(zero, 0.0, 1.0);
  }
  EXPECT_EQ(scheduled_lr(zero, 0.0, 0, 0), 0.0);
}

TEST(Schedule, NaNIsNotAnImprovement) {
  Schedule schedule = schedules::ReduceOnPlateau{.patience = 1};
  observe(schedule, 1.0, 0.5);
  observe(schedule, 1.0, std::numeric_limits<double>::quiet_NaN());
  observe(schedule, 1.0, std::numeric_limits<double>::quiet_NaN());
  EXPECT_DOUBLE_EQ(scheduled_lr(schedule, 1.0, 0, 0), 0.1);
  EXPECT_EQ(std::get<schedules::ReduceOnPlateau>(schedule).best, 0.5);
}

TEST(Schedule, OthersIgnoreTheLoss) {
  Schedule step = schedules::Step{};
  observe(step, 0.1, 1.0);
  EXPECT_EQ(scheduled_lr(step, 0.1, 0, 0), 0.1);
  Schedule warmup = schedules::LinearWarmup{.steps = 1};
  observe(warmup, 0.1, 1.0);
  EXPECT_EQ(scheduled_lr(warmup, 0.1, 0, 1), 0.1);
}

TEST(Schedule, ACopySharesNothing) {
  const Schedule original = schedules::LinearWarmup{
      .steps = 1,
      .then = shared(schedules::LinearWarmup{.steps = 1, .then = shared(schedules::ReduceOnPlateau{.patience = 0})})};
  Schedule copy = copy_schedule(original);
  observe(copy, 1.0, 1.0);
  observe(copy, 1.0, 1.0);
  EXPECT_DOUBLE_EQ(scheduled_lr(copy, 1.0, 0, 5), 0.1);
  EXPECT_EQ(scheduled_lr(original, 1.0, 0, 5), 1.0);
}

TEST(Schedule, SixteenSchedulesMayBeNested) {
  const auto nested = [](int warmups) {
    Schedule schedule = schedules::Constant{};
    for (int i = 0; i < warmups; ++i) {
      schedule = schedules::LinearWarmup{.then = shared(schedule)};
    }
    return schedule;
  };
  EXPECT_NO_THROW(validate(nested(15)));  // 15 warm-ups and the schedule after them
  EXPECT_THROW(validate(nested(16)), std::invalid_argument);
}

TEST(Schedule, ParametersOutOfRange) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double inf = std::numeric_limits<double>::infinity();
  const std::vector<std::pair<std::string, Schedule>> bad{
      {"Step: step_size = 0", schedules::Step{.step_size = 0}},
      {"Step: gamma = -1", schedules::Step{.gamma = -1}},
      {"Exponential: gamma = nan", schedules::Exponential{.gamma = nan}},
      {"Cosine: period = -1", schedules::Cosine{.period = -1}},
      {"Cosine: min_lr = -1", schedules::Cosine{.min_lr = -1}},
      {"CosLog: cycles = 0", schedules::CosLog{.cycles = 0}},
      {"CosLog: cycles = 63", schedules::CosLog{.cycles = 63}},
      {"CosLog: cycles = 63", schedules::LinearWarmup{.then = shared(schedules::CosLog{.cycles = 63})}},
      {"CosLog: total_steps = -1", schedules::CosLog{.total_steps = -1}},
      {"FlatCosine: flat = nan", schedules::FlatCosine{.flat = nan}},
      {"FlatCosine: total_steps = -1", schedules::FlatCosine{.total_steps = -1}},
      {"OneCycle: max_lr = inf", schedules::OneCycle{.max_lr = inf}},
      {"OneCycle: total_steps = -1", schedules::OneCycle{.total_steps = -1}},
      {"OneCycle: pct_start = 1.5", schedules::OneCycle{.pct_start = 1.5}},
      {"OneCycle: div_factor = 0", schedules::OneCycle{.div_factor = 0}},
      {"OneCycle: final_div_factor = -1", schedules::OneCycle{.final_div_factor = -1}},
      {"InverseScaling: power = nan", schedules::InverseScaling{.power = nan}},
      {"ReduceOnPlateau: factor = 1", schedules::ReduceOnPlateau{.factor = 1}},
      {"ReduceOnPlateau: patience = -1", schedules::ReduceOnPlateau{.patience = -1}},
      {"ReduceOnPlateau: threshold = 1", schedules::ReduceOnPlateau{.threshold = 1}},
      {"ReduceOnPlateau: cooldown = -1", schedules::ReduceOnPlateau{.cooldown = -1}},
      {"ReduceOnPlateau: min_lr = nan", schedules::ReduceOnPlateau{.min_lr = nan}},
      {"ReduceOnPlateau: bad_epochs = -1", schedules::ReduceOnPlateau{.bad_epochs = -1}},
      {"ReduceOnPlateau: cooldown_left = -1", schedules::ReduceOnPlateau{.cooldown_left = -1}},
      {"ReduceOnPlateau: scale = 2", schedules::ReduceOnPlateau{.scale = 2}},
      {"LinearWarmup: steps = -1", schedules::LinearWarmup{.steps = -1}},
      {"LinearWarmup: start_factor = 2", schedules::LinearWarmup{.start_factor = 2}},
      {"Cosine: period = -3", schedules::LinearWarmup{.then = shared(schedules::Cosine{.period = -3})}},
  };
  for (const auto& [message, schedule] : bad) {
    try {
      validate(schedule);
      ADD_FAILURE() << message;
    } catch (const std::invalid_argument& error) {
      EXPECT_EQ(std::string(error.what()).find(message + ","), 0U) << error.what();
    }
  }
  for (const Schedule& schedule :
       {Schedule(schedules::Constant{}), Schedule(schedules::Step{}), Schedule(schedules::Exponential{}),
        Schedule(schedules::Cosine{}), Schedule(schedules::OneCycle{}), Schedule(schedules::CosLog{.cycles = 62}),
        Schedule(schedules::FlatCosine{}), Schedule(schedules::InverseScaling{}),
        Schedule(schedules::ReduceOnPlateau{}), Schedule(schedules::LinearWarmup{})}) {
    EXPECT_NO_THROW(validate(schedule));
  }
}

TEST(Schedule, ACycleOfWarmupsIsRefused) {
  const std::shared_ptr<Schedule> cycle = shared(schedules::LinearWarmup{});
  std::get<schedules::LinearWarmup>(*cycle).then = cycle;
  EXPECT_THROW(validate(*cycle), std::invalid_argument);
  std::get<schedules::LinearWarmup>(*cycle).then = nullptr;
}

TEST(WithLength, IsAOneCyclesLengthWhereItHasNone) {
  const Schedule open = schedules::OneCycle{.max_lr = 0.1};
  const Schedule closed = with_length(open, 40);
  EXPECT_EQ(std::get<schedules::OneCycle>(closed).total_steps, 40);
  EXPECT_EQ(std::get<schedules::OneCycle>(open).total_steps, 0);
  EXPECT_EQ(std::get<schedules::OneCycle>(with_length(closed, 50)).total_steps, 40);
  EXPECT_THROW((void)with_length(open, -1), std::invalid_argument);
}

TEST(WithLength, IsACosinesPeriodWhereItHasNone) {
  const auto period = [](const Schedule& schedule) { return std::get<schedules::Cosine>(schedule).period; };
  const Schedule open = schedules::Cosine{};
  EXPECT_EQ(period(open), 0);
  EXPECT_TRUE(lacks_length(open));
  EXPECT_FALSE(lacks_length(with_length(open, 40, 4)));
  EXPECT_EQ(period(with_length(open, 40)), 0);
  EXPECT_EQ(period(with_length(open, 40, 4)), 4);
  EXPECT_EQ(period(with_length(schedules::Cosine{.period = 7}, 40, 4)), 7);
  const Schedule warm = with_length(schedules::LinearWarmup{.steps = 10, .then = shared(open)}, 40, 4);
  EXPECT_EQ(period(*std::get<schedules::LinearWarmup>(warm).then), 4);  // it gets the true epoch
  EXPECT_TRUE(lacks_length(schedules::LinearWarmup{.then = shared(open)}));
  EXPECT_FALSE(lacks_length(schedules::LinearWarmup{}) || lacks_length(warm));
  EXPECT_THROW((void)with_length(open, 40, -1), std::invalid_argument);
  EXPECT_THROW((void)scheduled_lr(open, 0.1, 0, 0), std::invalid_argument);
}

TEST(WithLength, IsTheStepsOfCosLogAndFlatCosineWhereTheyHaveNone) {
  const auto steps = []<class S>(const S& open, std::int64_t own) {
    S closed = open;
    closed.total_steps = own;
    EXPECT_TRUE(lacks_length(open));
    EXPECT_FALSE(lacks_length(closed));
    EXPECT_EQ(std::get<S>(with_length(open, 40, 4)).total_steps, 40);
    EXPECT_EQ(std::get<S>(with_length(closed, 40, 4)).total_steps, own);
    const Schedule warm = with_length(schedules::LinearWarmup{.steps = 10, .then = shared(open)}, 40, 4);
    EXPECT_EQ(std::get<S>(*std::get<schedules::LinearWarmup>(warm).then).total_steps, 30);
  };
  steps(schedules::CosLog{}, 7);
  steps(schedules::FlatCosine{}, 7);
}

TEST(WithLength, BehindAWarmUpIsWhatIsLeft) {
  const auto inner = std::make_shared<Schedule>(schedules::OneCycle{.max_lr = 0.1});
  const Schedule warmup = schedules::LinearWarmup{.steps = 10, .then = inner};
  const auto length = [&](std::int64_t total) {
    const Schedule copy = with_length(warmup, total);
    return std::get<schedules::OneCycle>(*std::get<schedules::LinearWarmup>(copy).then).total_steps;
  };
  EXPECT_EQ(length(40), 30);
  EXPECT_EQ(length(5), 1);
  EXPECT_EQ(std::get<schedules::OneCycle>(*inner).total_steps, 0);
}

TEST(WithLength, CopiesOthersWithTheirMemory) {
  const Schedule plateau = schedules::ReduceOnPlateau{.factor = 0.5, .best = 2.0, .bad_epochs = 3, .scale = 0.25};
  const auto copy = std::get<schedules::ReduceOnPlateau>(with_length(plateau, 40));
  EXPECT_EQ(copy.factor, 0.5);
  EXPECT_EQ(copy.best, 2.0);
  EXPECT_EQ(copy.bad_epochs, 3);
  EXPECT_EQ(copy.scale, 0.25);
}

}  // namespace
}  // namespace backpass

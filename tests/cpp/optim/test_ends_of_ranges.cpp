// The ends of hyperparameter ranges that test_update_plan.cpp and test_schedule.cpp do not cover.
#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <backpass/optimizer.hpp>
#include <backpass/schedule.hpp>

namespace backpass {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

template <class What>
void expect_refused(What what, const std::string& message) {
  try {
    validate(what);
    ADD_FAILURE() << message;
  } catch (const std::invalid_argument& error) {
    EXPECT_EQ(std::string(error.what()).find(message), 0U) << error.what();
  }
}

TEST(EndsOfRanges, OfOptimizersAreRefusedOutsideAndTakenAtTheirEdges) {
  const std::vector<std::pair<std::string, Optimizer>> bad{
      {"RMSprop: alpha = -0.1", RMSprop{.alpha = -0.1}},   {"RMSprop: alpha = nan", RMSprop{.alpha = kNaN}},
      {"Rprop: eta_minus = 0", Rprop{.eta_minus = 0}},     {"Rprop: eta_plus = inf", Rprop{.eta_plus = kInfinity}},
      {"Rprop: eta_plus = nan", Rprop{.eta_plus = kNaN}},  {"Rprop: step_max = inf", Rprop{.step_max = kInfinity}},
      {"Adam: beta1 = -0.1", Adam{.beta1 = -0.1}},         {"Adam: beta2 = 1", Adam{.beta2 = 1}},
      {"SGD: momentum = inf", SGD{.momentum = kInfinity}}, {"SGD: dampening = nan", SGD{.dampening = kNaN}},
  };
  for (const auto& [message, setting] : bad) {
    Optimizer optimizer = setting;
    expect_refused<OptimizerRef>(optimizer, message);
  }
  for (Optimizer optimizer : {Optimizer(RMSprop{.alpha = 0}), Optimizer(RMSprop{.alpha = 1}), Optimizer(SGD{.lr = 0}),
                              Optimizer(Adam{.beta1 = 0, .beta2 = 0, .eps = 0}),
                              Optimizer(Rprop{.step_min = 1, .step_max = 1}), Optimizer(SGD{.dampening = -2})}) {
    EXPECT_NO_THROW(validate(optimizer));
  }
}

TEST(EndsOfRanges, OfSchedulesAreRefusedOutsideAndTakenAtTheirEdges) {
  using namespace schedules;
  const std::vector<std::pair<std::string, Schedule>> bad{
      {"OneCycle: pct_start = -0.5", OneCycle{.pct_start = -0.5}},
      {"OneCycle: div_factor = inf", OneCycle{.div_factor = kInfinity}},
      {"ReduceOnPlateau: factor = -0.5", ReduceOnPlateau{.factor = -0.5}},
      {"ReduceOnPlateau: threshold = -0.5", ReduceOnPlateau{.threshold = -0.5}},
      {"ReduceOnPlateau: scale = -1", ReduceOnPlateau{.scale = -1}},
      {"LinearWarmup: start_factor = -1", LinearWarmup{.start_factor = -1}},
      {"InverseScaling: power = inf", InverseScaling{.power = kInfinity}},
  };
  for (const auto& [message, schedule] : bad) {
    expect_refused<const Schedule&>(schedule, message);
  }
  for (const Schedule& schedule : {Schedule(OneCycle{.pct_start = 0}), Schedule(OneCycle{.pct_start = 1}),
                                   Schedule(ReduceOnPlateau{.factor = 0}), Schedule(ReduceOnPlateau{.threshold = 0}),
                                   Schedule(ReduceOnPlateau{.scale = 0}), Schedule(LinearWarmup{.start_factor = 0}),
                                   Schedule(LinearWarmup{.start_factor = 1}), Schedule(InverseScaling{.power = -1})}) {
    EXPECT_NO_THROW(validate(schedule));
  }
}

/// A warm-up without a schedule after it can be copied, observed and given a length.
TEST(EndsOfRanges, AWarmupAlone) {
  Schedule alone = schedules::LinearWarmup{.steps = 4, .start_factor = 0.5};
  EXPECT_EQ(scheduled_lr(copy_schedule(alone), 1.0, 0, 0), 0.5);
  observe(alone, 1.0, 3.0);
  EXPECT_EQ(scheduled_lr(alone, 1.0, 0, 2), 0.75);
  EXPECT_EQ(scheduled_lr(with_length(alone, 9), 1.0, 0, 2), 0.75);
  EXPECT_EQ(scheduled_lr(alone, 1.0, 7, 100), 1.0);
  EXPECT_THROW((void)with_length(alone, -1), std::invalid_argument);
}

TEST(EndsOfRanges, NamesOfOptimizers) {
  for (const char* name : {"nadam", "NAdam", "NADAM", "n-adam"}) {
    Optimizer optimizer = optimizer_from_name(name);
    EXPECT_EQ(OptimizerRef(optimizer).name(), "NAdam");
  }
  for (const char* wrong : {"", "adam[", "@dam", "adamadam"}) {
    EXPECT_THROW((void)optimizer_from_name(wrong), std::invalid_argument) << wrong;
  }
}

}  // namespace
}  // namespace backpass

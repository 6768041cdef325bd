// Promises of a plan besides the numbers: any split gives the same bits; groups; errors change nothing.
#include "optim/update_plan.hpp"

#include <cstring>
#include <functional>
#include <limits>
#include <span>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <backpass/error.hpp>

#include "kernels/dispatch.hpp"
#include "reference.hpp"

namespace backpass {
namespace {

using reference::Draws;
using reference::Setting;

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}
bool same_state(const OptimizerState& a, const OptimizerState& b) {
  const auto same_slots = [](const auto& x, const auto& y) {
    bool same = x.size() == y.size();
    for (std::size_t i = 0; same && i < x.size(); ++i) {
      same = same_bits(x[i], y[i]);
    }
    return same;
  };
  return a.groups == b.groups && same_slots(a.slots_f32, b.slots_f32) && same_slots(a.slots_f64, b.slots_f64);
}
OptimizerState& state_of(Optimizer& optimizer) { return OptimizerRef(optimizer).state(); }

template <class T>
class Plan : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Plan, Types);

// ---- splits

TYPED_TEST(Plan, BitsDoNotDependOnTheSplit) {
  using T = TypeParam;
  constexpr std::size_t n = 203;
  const std::vector<ParameterGroup> groups{{.offset = 0, .size = 7},
                                           {.offset = 7, .size = 0},
                                           {.offset = 7, .size = 90, .lr_scale = 0.25, .num_biases = 9},
                                           {.offset = 101, .size = 102, .num_biases = 21, .bias_lr_scale = 0.5}};
  for (const kernels::KernelSet* set : kernels::built()) {
    if (!kernels::usable(*set)) {
      continue;
    }
    for (const Setting& setting : reference::settings()) {
      SCOPED_TRACE(setting.name + ", " + set->name);
      Optimizer whole = setting.optimizer;
      Optimizer split = setting.optimizer;
      Draws draws(11);
      std::vector<T> p_whole = draws.vector<T>(n);
      std::vector<T> p_split = p_whole;
      optim::UpdatePlan<T> plan(kernels::table<T>(*set));
      for (int t = 0; t < 5; ++t) {
        const std::vector<T> g = draws.vector<T>(n);
        plan.prepare(whole, std::span<T>(p_whole), std::span<const T>(g), groups);
        plan.run(0, n);
        plan.prepare(split, std::span<T>(p_split), std::span<const T>(g), groups);
        std::size_t begin = 0;
        while (begin < n) {
          const std::size_t length = 1 + static_cast<std::size_t>((draws() + 1.0) * 20.0);
          const std::size_t end = std::min(begin + length, n);
          plan.run(begin, end, length % 2 == 0);
          begin = end;
        }
        ASSERT_TRUE(same_bits(p_whole, p_split)) << "step " << t;
        ASSERT_TRUE(same_state(state_of(whole), state_of(split))) << "step " << t;
      }
    }
  }
}

TEST(Plan, RangesMayRunOnSeveralThreads) {
  constexpr std::size_t n = 10007;
  Adam alone;
  Adam shared;
  Draws draws(12);
  std::vector<float> p_alone = draws.vector<float>(n);
  std::vector<float> p_shared = p_alone;
  const std::vector<float> g = draws.vector<float>(n);
  apply_optimizer<float>(alone, p_alone, g);
  optim::UpdatePlan<float> plan;
  plan.prepare(shared, std::span<float>(p_shared), std::span<const float>(g), {});
  std::vector<std::thread> threads;
  for (std::size_t k = 0; k < 4; ++k) {
    threads.emplace_back([&, k] { plan.run(n * k / 4, n * (k + 1) / 4, true); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_TRUE(same_bits(p_alone, p_shared));
}

// ---- groups

TYPED_TEST(Plan, FrozenGroupsAndParametersOutsideGroupsStay) {
  using T = TypeParam;
  constexpr std::size_t n = 40;
  std::vector<ParameterGroup> groups{{.offset = 0, .size = 13, .trainable = false}, {.offset = 15, .size = 20}};
  for (const Setting& setting : reference::settings()) {
    SCOPED_TRACE(setting.name);
    Optimizer optimizer = setting.optimizer;
    Draws draws(21);
    std::vector<T> p = draws.vector<T>(n);
    const std::vector<T> before = p;
    const std::vector<T> g = draws.vector<T>(n);
    apply_optimizer<T>(optimizer, p, g, groups);
    apply_optimizer<T>(optimizer, p, g, groups);
    const OptimizerState& state = state_of(optimizer);
    EXPECT_EQ(state.groups[0], OptimizerState::Group{});
    EXPECT_EQ(state.groups[1].step, 2);
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_EQ(p[i] != before[i], i >= 15 && i < 35) << i;
    }

    // An unfrozen group starts like a new optimizer.
    groups[0].trainable = true;
    groups[1].trainable = false;
    Optimizer fresh = setting.optimizer;
    std::vector<T> q = before;
    apply_optimizer<T>(optimizer, p, g, groups);
    apply_optimizer<T>(fresh, q, g, groups);
    for (std::size_t i = 0; i < 13; ++i) {
      EXPECT_EQ(p[i], q[i]) << i;
    }
    EXPECT_EQ(state.groups[0].step, 1);
    EXPECT_EQ(state.groups[1].step, 2);
    groups[0].trainable = false;
    groups[1].trainable = true;
  }
}

TYPED_TEST(Plan, LrScaleMultipliesLr) {
  using T = TypeParam;
  constexpr std::size_t n = 24;
  const std::vector<ParameterGroup> scaled{{.offset = 0, .size = n, .lr_scale = 0.25}};
  for (const Setting& setting : reference::settings()) {
    SCOPED_TRACE(setting.name);
    Optimizer a = setting.optimizer;
    Optimizer b = setting.optimizer;
    OptimizerRef(b).set_lr(0.25 * OptimizerRef(b).lr());
    Draws draws(22);
    std::vector<T> p = draws.vector<T>(n);
    std::vector<T> q = p;
    for (int t = 0; t < 3; ++t) {
      const std::vector<T> g = draws.vector<T>(n);
      apply_optimizer<T>(a, p, g, scaled);
      apply_optimizer<T>(b, q, g);
      EXPECT_TRUE(same_bits(p, q));
    }
  }
}

/// The biases have the bits of a group of their own, and the weights those of a group without biases.
TYPED_TEST(Plan, BiasLrScaleMultipliesTheRateOfBiases) {
  using T = TypeParam;
  constexpr std::size_t n = 40;
  // Two layers, the second one without biases.
  const std::vector<ParameterGroup> layers{
      {.offset = 0, .size = 24, .lr_scale = 0.25, .num_biases = 7, .bias_lr_scale = 0.5},
      {.offset = 24, .size = 16, .bias_lr_scale = 0.5}};
  const std::vector<ParameterGroup> apart{{.offset = 0, .size = 17, .lr_scale = 0.25},
                                          {.offset = 17, .size = 7, .lr_scale = 0.125},
                                          {.offset = 24, .size = 16}};
  for (const Setting& setting : reference::settings()) {
    SCOPED_TRACE(setting.name);
    Optimizer a = setting.optimizer;
    Optimizer b = setting.optimizer;
    Draws draws(23);
    std::vector<T> p = draws.vector<T>(n);
    std::vector<T> q = p;
    for (int t = 0; t < 4; ++t) {
      const std::vector<T> g = draws.vector<T>(n);
      apply_optimizer<T>(a, p, g, layers);
      apply_optimizer<T>(b, q, g, apart);
      EXPECT_TRUE(same_bits(p, q));
    }
    ASSERT_EQ(state_of(a).groups.size(), 2U);
    EXPECT_EQ(state_of(a).groups[0], state_of(b).groups[0]);
    EXPECT_EQ(state_of(a).groups[1], state_of(b).groups[2]);
  }
}

TEST(Plan, NoParameters) {
  Adam adam;
  apply_optimizer<double>(adam, {}, {});
  apply_optimizer<double>(adam, {}, {});
  EXPECT_EQ(adam.state.groups.at(0).step, 2);
}

// ---- hyperparameters that change between steps

TEST(Plan, LrIsReadAtEachStep) {
  SGD sgd{.lr = 1.0};
  std::vector<double> p{0.0};
  const std::vector<double> g{1.0};
  apply_optimizer<double>(sgd, p, g);
  sgd.lr = 0.5;
  apply_optimizer<double>(sgd, p, g);
  EXPECT_EQ(p[0], -1.5);
}

TEST(Plan, LateMomentumBeginsWithTheGradient) {
  SGD sgd{.lr = 1.0, .dampening = 0.5};
  std::vector<double> p{0.0};
  apply_optimizer<double>(sgd, p, std::vector<double>{1.0});
  sgd.momentum = 0.5;
  apply_optimizer<double>(sgd, p, std::vector<double>{2.0});  // buf = 2
  EXPECT_EQ(p[0], -3.0);
  apply_optimizer<double>(sgd, p, std::vector<double>{2.0});  // buf = 0.5 · 2 + 0.5 · 2
  EXPECT_EQ(p[0], -5.0);
}

TEST(Plan, LateAmsgradAndCenteredGetTheirSlots) {
  std::vector<float> p(9, 1.0F);
  const std::vector<float> g(9, 0.5F);
  Adam adam;
  apply_optimizer<float>(adam, p, g);
  adam.amsgrad = true;
  apply_optimizer<float>(adam, p, g);
  EXPECT_EQ(adam.state.groups[0].step, 2);
  ASSERT_EQ(adam.state.slots_f32.size(), 3U);
  EXPECT_EQ(adam.state.slots_f32[2], adam.state.slots_f32[1]);
  RMSprop rmsprop;
  apply_optimizer<float>(rmsprop, p, g);
  rmsprop.centered = true;
  apply_optimizer<float>(rmsprop, p, g);
  ASSERT_EQ(rmsprop.state.slots_f32.size(), 3U);
  EXPECT_FLOAT_EQ(rmsprop.state.slots_f32[2][8], 0.005F);
}

// ---- errors

template <class T, class Call>
void expect_unchanged(Optimizer& optimizer, std::vector<T>& p, const std::string& message, Call&& call) {
  const OptimizerState state = state_of(optimizer);
  const std::vector<T> before = p;
  try {
    call();
    ADD_FAILURE() << "no error, expected: " << message;
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
  }
  EXPECT_TRUE(same_state(state, state_of(optimizer)));
  EXPECT_TRUE(same_bits(before, p));
}

TYPED_TEST(Plan, ErrorsChangeNothing) {
  using T = TypeParam;
  constexpr std::size_t n = 20;
  for (const Setting& setting : reference::settings()) {
    SCOPED_TRACE(setting.name);
    Optimizer optimizer = setting.optimizer;
    Draws draws(31);
    std::vector<T> p = draws.vector<T>(n);
    const std::vector<T> g = draws.vector<T>(n);
    // Before and after the first step.
    for (int t = 0; t < 2; ++t) {
      const auto apply = [&](std::vector<ParameterGroup> groups) {
        return [&, groups = std::move(groups)] { apply_optimizer<T>(optimizer, p, g, groups); };
      };
      expect_unchanged(optimizer, p, "20 parameters, but 19 gradients",
                       [&] { apply_optimizer<T>(optimizer, p, std::span<const T>(g).first(19)); });
      expect_unchanged(optimizer, p, "group of 6 at 15", apply({{.offset = 0, .size = 15}, {.offset = 15, .size = 6}}));
      expect_unchanged(optimizer, p, "group of 1 at 4", apply({{.offset = 0, .size = 5}, {.offset = 4, .size = 1}}));
      expect_unchanged(optimizer, p, "group of",
                       apply({{.offset = 5, .size = std::numeric_limits<std::size_t>::max() - 2}}));
      expect_unchanged(optimizer, p, "lr_scale = -1", apply({{.offset = 0, .size = 5, .lr_scale = -1}}));
      expect_unchanged(optimizer, p, "lr_scale = nan",
                       apply({{.offset = 0, .size = 5, .lr_scale = std::numeric_limits<double>::quiet_NaN()}}));
      expect_unchanged(optimizer, p, "bias_lr_scale = -1", apply({{.offset = 0, .size = 5, .bias_lr_scale = -1}}));
      expect_unchanged(optimizer, p, "group of 5 with num_biases = 6",
                       apply({{.offset = 0, .size = 5, .num_biases = 6}}));
      const double lr = OptimizerRef(optimizer).lr();
      OptimizerRef(optimizer).set_lr(-0.5);
      expect_unchanged(optimizer, p, "lr = -0.5, but it must be finite and at least 0", apply({}));
      OptimizerRef(optimizer).set_lr(lr);
      apply_optimizer<T>(optimizer, p, g);
    }
    expect_unchanged(optimizer, p, "1 parameter group, expected 2",
                     [&] { apply_optimizer<T>(optimizer, p, g, std::vector<ParameterGroup>{{0, 5}, {5, 15}}); });
    if (!state_of(optimizer).template arrays<T>().empty()) {
      std::vector<T> fewer(p.begin(), p.end() - 1);
      expect_unchanged(optimizer, fewer, "20 parameters, expected 19",
                       [&] { apply_optimizer<T>(optimizer, fewer, std::span<const T>(g).first(19)); });
      using Other = std::conditional_t<std::is_same_v<T, float>, double, float>;
      std::vector<Other> other(n, Other(1));
      expect_unchanged(optimizer, other, "expected float", [&] { apply_optimizer<Other>(optimizer, other, other); });
    }
  }
}

TEST(Plan, HyperparametersOutOfRange) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double inf = std::numeric_limits<double>::infinity();
  const std::vector<std::pair<std::string, Optimizer>> bad{
      {"SGD: lr = nan", SGD{.lr = nan}},
      {"SGD: lr = inf", SGD{.lr = inf}},
      {"SGD: momentum = -0.1", SGD{.momentum = -0.1}},
      {"SGD: dampening = inf", SGD{.momentum = 0.5, .dampening = inf}},
      {"SGD: weight_decay = -1", SGD{.weight_decay = -1}},
      {"SGD: momentum = 0, but it must be greater than 0 with nesterov", SGD{.nesterov = true}},
      {"SGD: dampening = 0.1, but it must be 0 with nesterov",
       SGD{.momentum = 0.9, .dampening = 0.1, .nesterov = true}},
      {"RMSprop: alpha = 1.1", RMSprop{.alpha = 1.1}},
      {"RMSprop: eps = -1", RMSprop{.eps = -1}},
      {"RMSprop: weight_decay = -1", RMSprop{.weight_decay = -1}},
      {"RMSprop: momentum = -1", RMSprop{.momentum = -1}},
      {"Adagrad: lr_decay = -1", Adagrad{.lr_decay = -1}},
      {"Adagrad: weight_decay = -1", Adagrad{.weight_decay = -1}},
      {"Adagrad: initial_accumulator_value = -1", Adagrad{.initial_accumulator_value = -1}},
      {"Adagrad: eps = nan", Adagrad{.eps = nan}},
      {"Adam: beta1 = 1", Adam{.beta1 = 1}},
      {"Adam: beta2 = -0.1", Adam{.beta2 = -0.1}},
      {"Adam: eps = -1", Adam{.eps = -1}},
      {"Adam: weight_decay = -1", Adam{.weight_decay = -1}},
      {"AdamW: beta1 = nan", AdamW{.beta1 = nan}},
      {"AdamW: beta2 = 1", AdamW{.beta2 = 1}},
      {"NAdam: beta1 = 1", NAdam{.beta1 = 1}},
      {"NAdam: momentum_decay = -1", NAdam{.momentum_decay = -1}},
      {"Rprop: eta_minus = 1", Rprop{.eta_minus = 1}},
      {"Rprop: eta_plus = 1", Rprop{.eta_plus = 1}},
      {"Rprop: step_min = -1", Rprop{.step_min = -1}},
      {"Rprop: step_max = 0.5", Rprop{.step_min = 1, .step_max = 0.5}},
      {"Lion: beta1 = 1", Lion{.beta1 = 1}},
      {"Lion: weight_decay = inf", Lion{.weight_decay = inf}},
  };
  for (const auto& [message, setting] : bad) {
    Optimizer optimizer = setting;
    std::vector<float> p(3, 1.0F);
    expect_unchanged(optimizer, p, message, [&] { apply_optimizer<float>(optimizer, p, p); });
    expect_unchanged(optimizer, p, message, [&] { validate(optimizer); });
  }
  for (Setting setting : reference::settings()) {
    EXPECT_NO_THROW(validate(setting.optimizer)) << setting.name;
  }
}

TEST(Plan, AnAssignedStateIsChecked) {
  std::vector<float> p(3, 1.0F);
  Optimizer steps = Adam{};
  apply_optimizer<float>(steps, p, p);
  state_of(steps).groups[0].step = -1;
  expect_unchanged(steps, p, "step count of the state = -1", [&] { apply_optimizer<float>(steps, p, p); });
  state_of(steps).groups[0].step = std::numeric_limits<std::int64_t>::max();
  expect_unchanged(steps, p, "step count of the state", [&] { apply_optimizer<float>(steps, p, p); });
  Optimizer slots = Lion{};
  state_of(slots).slots_f32.assign(2, std::vector<float>(3));
  expect_unchanged(slots, p, "2 slots, expected at most 1", [&] { apply_optimizer<float>(slots, p, p); });
}

}  // namespace
}  // namespace backpass

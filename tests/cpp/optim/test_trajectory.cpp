// Trajectories of every optimizer compared with the scalar reference, for both types, every kernel set and sizes around
// its number of lanes.
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/dispatch.hpp"
#include "optim/update_plan.hpp"
#include "reference.hpp"

namespace backpass {
namespace {

constexpr int kSteps = 100;

template <class T>
class Trajectory : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Trajectory, Types);

double reference_step(const Optimizer& optimizer, double lr, double g, double p, reference::Memory& memory) {
  return std::visit([&](const auto& o) { return reference::step(o, lr, g, p, memory); }, optimizer);
}

template <class T>
void compare(const reference::Setting& setting, const kernels::KernelSet& set, std::size_t n) {
  SCOPED_TRACE(setting.name + ", " + set.name + ", n = " + std::to_string(n));
  Optimizer optimizer = setting.optimizer;
  const double lr = OptimizerRef(optimizer).lr();
  reference::Draws draws(n);
  std::vector<T> parameters = draws.vector<T>(n);
  std::vector<double> expected(parameters.begin(), parameters.end());
  std::vector<double> travel(n, 0.0);
  std::vector<reference::Memory> memory(n);
  optim::UpdatePlan<T> plan(kernels::table<T>(set));
  for (int t = 1; t <= kSteps; ++t) {
    // Adds a trend, so that running means are not only noise.
    std::vector<T> gradients = draws.vector<T>(n);
    for (std::size_t i = 0; i < n; ++i) {
      gradients[i] += static_cast<T>(static_cast<double>(i % 5) / 8.0);
    }
    plan.prepare(optimizer, std::span<T>(parameters), std::span<const T>(gradients), {});
    plan.run(0, n);
    for (std::size_t i = 0; i < n; ++i) {
      const double before = expected[i];
      expected[i] = reference_step(optimizer, lr, static_cast<double>(gradients[i]), before, memory[i]);
      travel[i] += std::abs(expected[i] - before);
      // Each step rounds p once. An update also has a few rounding errors, and those that its running means have
      // accumulated in t steps.
      const double eps = std::numeric_limits<T>::epsilon();
      const double tolerance = eps * (t * (std::abs(before) + travel[i]) + 4.0 * t * travel[i]);
      ASSERT_NEAR(static_cast<double>(parameters[i]), expected[i], tolerance) << "parameter " << i << ", step " << t;
    }
  }
}

TYPED_TEST(Trajectory, AgreesWithReference) {
  for (const kernels::KernelSet* set : kernels::built()) {
    if (!kernels::usable(*set)) {
      continue;
    }
    const auto lanes = static_cast<std::size_t>(kernels::table<TypeParam>(*set).lanes);
    for (const reference::Setting& setting : reference::settings()) {
      for (std::size_t n : {std::size_t{1}, lanes - 1, lanes, lanes + 1, 3 * lanes, 4 * lanes + 3}) {
        compare<TypeParam>(setting, *set, n);
      }
      if (this->HasFatalFailure()) {
        return;
      }
    }
  }
}

// 0.999 as a float is 1.3e-8 too large, a relative error of 1.3e-5 in 1 - 0.999. The mean of g² would be too large by
// 1.3e-5.
TEST(Precision, FloatRunningMeanHasTheDecayOfDouble) {
  constexpr std::size_t n = 256;
  constexpr int steps = 5000;
  Adam single{.lr = 0.0};
  Adam twice{.lr = 0.0};
  reference::Draws draws(3);
  std::vector<float> p32(n);
  std::vector<double> p64(n);
  for (int t = 0; t < steps; ++t) {
    const std::vector<float> g32 = draws.vector<float>(n);
    const std::vector<double> g64(g32.begin(), g32.end());
    apply_optimizer<float>(single, p32, g32);
    apply_optimizer<double>(twice, p64, g64);
  }
  double bias = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    bias += static_cast<double>(single.state.slots_f32[1][i]) / twice.state.slots_f64[1][i] - 1.0;
  }
  EXPECT_NEAR(bias / n, 0.0, 1e-6);
}

// Update and decay are 2e-8 each, less than half the distance between floats below 1. Applied one after the other, both
// would be lost to rounding.
TEST(Precision, DecoupledDecayIsRoundedTogetherWithTheUpdate) {
  std::vector<float> p{1.0F};
  AdamW adamw{.lr = 2e-8, .eps = 0.0, .weight_decay = 1.0};
  apply_optimizer<float>(adamw, p, std::vector<float>{1.0F});
  EXPECT_LT(p[0], 1.0F);
  std::vector<float> q{1.0F};
  Lion lion{.lr = 2e-8, .weight_decay = 1.0};
  apply_optimizer<float>(lion, q, std::vector<float>{1.0F});
  EXPECT_LT(q[0], 1.0F);
}

// For equal gradients, (mean of g²) − (mean of g)² is a rounding error of either sign.
TYPED_TEST(Trajectory, CenteredVarianceIsNeverNegative) {
  using T = TypeParam;
  for (const kernels::KernelSet* set : kernels::built()) {
    if (!kernels::usable(*set)) {
      continue;
    }
    constexpr std::size_t n = 64;
    RMSprop o{.lr = 1e-9, .alpha = 0.5, .eps = 1e-3, .centered = true};
    reference::Draws draws(5);
    std::vector<T> p = draws.vector<T>(n);
    const std::vector<T> g = draws.vector<T>(n);
    optim::UpdatePlan<T> plan(kernels::table<T>(*set));
    for (int t = 0; t < 500; ++t) {
      plan.prepare(o, std::span<T>(p), std::span<const T>(g), {});
      plan.run(0, n);
    }
    for (T x : p) {
      EXPECT_TRUE(std::isfinite(x)) << set->name;
    }
  }
}

}  // namespace
}  // namespace backpass

// The caller's rounding direction, treatment of denormals and traps: no result depends on them, every call restores
// them, and users' functions run with them.
#include "base/floating_point_mode.hpp"

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <backpass/backpass.hpp>

namespace backpass {
namespace {

using Bits = FloatingPointRegister::Bits;
using Numbers = std::vector<double>;

/// Restores the thread's mode at the end of a test.
class Restored {
 public:
  Restored() { std::fegetenv(&before_); }
  ~Restored() { std::fesetenv(&before_); }
  Restored(const Restored&) = delete;
  Restored& operator=(const Restored&) = delete;

 private:
  std::fenv_t before_{};
};

struct Mode {
  std::string name;
  std::function<void()> set;
};

/// Modes that a caller may have.
std::vector<Mode> modes() {
  std::vector<Mode> all{{"to nearest", [] {}},
                        {"downward", [] { std::fesetround(FE_DOWNWARD); }},
                        {"upward", [] { std::fesetround(FE_UPWARD); }},
                        {"toward zero", [] { std::fesetround(FE_TOWARDZERO); }}};
#if defined(__SSE2__)
  all.push_back({"denormals flushed", [] { FloatingPointRegister::write(FloatingPointRegister::read() | 0x8040); }});
  // All traps except "inexact", which almost every operation raises.
  all.push_back({"traps", [] { FloatingPointRegister::write(FloatingPointRegister::read() & ~Bits{0x0f80}); }});
  all.push_back({"downward, traps", [] {
                   std::fesetround(FE_DOWNWARD);
                   FloatingPointRegister::write(FloatingPointRegister::read() & ~Bits{0x0f80});
                 }});
#endif
  return all;
}

constexpr std::size_t kRows = 120;
constexpr std::size_t kInputs = 30;
constexpr std::size_t kOutputs = 5;

/// Data and a network, created in the mode of the test program.
template <class T>
struct Setting {
  Network<T> network;
  std::vector<T> x = std::vector<T>(kRows * kInputs);
  std::vector<T> y = std::vector<T>(kRows * kOutputs);
  std::vector<T> weights = std::vector<T>(kRows);
  std::vector<T> out = std::vector<T>(kRows * kOutputs);

  explicit Setting(const Activation& output = Activation::softplus())
      : network({.sizes = {kInputs, 70, 40, kOutputs},
                 .activation = Activation::tanh(),
                 .output = output,
                 .dropout = 0.25,
                 .seed = 7}) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = static_cast<T>(std::sin(0.37 * static_cast<double>(i)));
    }
    for (std::size_t i = 0; i < y.size(); ++i) {
      y[i] = static_cast<T>(0.5 + 0.4 * std::cos(1.7 * static_cast<double>(i)));
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i] = static_cast<T>(0.1 + static_cast<double>(i % 7) / 3.0);
    }
  }
  [[nodiscard]] ConstMatrixView<T> inputs() const { return {x.data(), kRows, kInputs}; }
  [[nodiscard]] ConstMatrixView<T> targets() const { return {y.data(), kRows, kOutputs}; }
  [[nodiscard]] MatrixView<T> output() { return {out.data(), kRows, kOutputs}; }
};

template <class T>
Numbers widened(std::span<const T> from) {
  return {from.begin(), from.end()};
}

struct Call {
  std::string name;
  std::function<Numbers()> run;
};

void add_plain_calls(std::vector<Call>& calls) {
  calls.push_back({"random numbers", [] {
                     Numbers numbers;
                     for (std::uint64_t i = 0; i < 300; ++i) {
                       numbers.push_back(Philox(1, 2).uniform(i));
                       numbers.push_back(Philox(1, 2).normal(i));
                     }
                     return numbers;
                   }});
  for (const char* name : {"he_normal", "he_uniform", "glorot_normal", "lecun_uniform", "orthogonal"}) {
    calls.push_back({name, [name] {
                       std::vector<float> w(35 * 17);
                       initialize(Initializer::from_name(name), Activation::relu(), MatrixView<float>(w.data(), 35, 17),
                                  Philox(3, 1));
                       return widened<float>(w);
                     }});
  }
  const std::vector<Schedule> schedules{
      schedules::Step{.step_size = 3, .gamma = 0.3},
      schedules::Exponential{.gamma = 0.97},
      schedules::Cosine{.period = 37},
      schedules::OneCycle{.max_lr = 0.3, .total_steps = 50},
      schedules::InverseScaling{.power = 0.3},
      schedules::LinearWarmup{.steps = 30, .start_factor = 0.1},
  };
  for (const Schedule& schedule : schedules) {
    calls.push_back({"schedule", [schedule] {
                       Numbers numbers;
                       for (std::int64_t t = 0; t < 50; ++t) {
                         numbers.push_back(scheduled_lr(schedule, 0.1, t, t));
                       }
                       return numbers;
                     }});
  }
  calls.push_back({"plateau", [] {
                     Schedule schedule = schedules::ReduceOnPlateau{.factor = 0.3, .patience = 0};
                     Numbers numbers;
                     for (int i = 0; i < 8; ++i) {
                       observe(schedule, 0.1, 1.0);
                       numbers.push_back(scheduled_lr(schedule, 0.1, i, i));
                     }
                     return numbers;
                   }});
}

template <class T>
void add_calls(std::vector<Call>& calls, const Setting<T>& setting) {
  calls.push_back({"predict", [&] {
                     Setting<T> s = setting;
                     s.network.predict(s.inputs(), s.output());
                     return widened<T>(s.out);
                   }});
  calls.push_back({"forward and backward", [&] {
                     Setting<T> s = setting;
                     Numbers numbers = widened<T>({s.network.forward(s.inputs(), true).data(), kOutputs});
                     std::vector<T> gradient(kRows * kInputs);
                     s.network.backward(s.targets(), MatrixView<T>(gradient.data(), kRows, kInputs));
                     const Numbers more = widened<T>(gradient);
                     const Numbers most = widened<T>(std::as_const(s.network).gradients());
                     numbers.insert(numbers.end(), more.begin(), more.end());
                     numbers.insert(numbers.end(), most.begin(), most.end());
                     return numbers;
                   }});
  for (const std::string& name : optimizer_names()) {
    calls.push_back({name, [&, name] {
                       Setting<T> s = setting;
                       Optimizer optimizer = optimizer_from_name(name);
                       const OptimizerRef ref = std::visit([](auto& o) { return OptimizerRef(o); }, optimizer);
                       Numbers numbers;
                       for (int step = 0; step < 3; ++step) {
                         numbers.push_back(s.network.train_step(s.inputs(), s.targets(), MeanSquaredError{}, ref,
                                                                s.weights, {.l2 = 0.01, .clip_norm = 0.1}));
                         s.network.step(ref);
                       }
                       Optimizer fresh = optimizer_from_name(name);  // the first optimizer belongs to the network
                       const OptimizerRef alone = std::visit([](auto& o) { return OptimizerRef(o); }, fresh);
                       apply_optimizer<T>(alone, s.network.parameters(), std::as_const(s.network).gradients());
                       const Numbers parameters = widened<T>(std::as_const(s.network).parameters());
                       numbers.insert(numbers.end(), parameters.begin(), parameters.end());
                       return numbers;
                     }});
  }
  for (const std::string& name : loss_names()) {
    const Loss loss = loss_from_name(name);
    const LossTraits traits = loss_traits(loss);
    Setting<T> fitting(Activation::from_name(Activation::names()[static_cast<std::size_t>(traits.output)]));
    for (std::size_t r = 0; traits.takes_labels() && r < kRows; ++r) {  // distributions
      const auto row = std::span(fitting.y).subspan(r * kOutputs, kOutputs);
      const T sum = std::accumulate(row.begin(), row.end(), T(0));
      std::transform(row.begin(), row.end(), row.begin(), [sum](T y) { return y / sum; });
    }
    calls.push_back({name, [loss, fitting] {
                       Setting<T> s = fitting;
                       Numbers numbers{s.network.evaluate(s.inputs(), s.targets(), loss, s.weights)};
                       numbers.push_back(s.network.loss_and_gradient(s.inputs(), s.targets(), loss, s.weights));
                       const Numbers gradients = widened<T>(std::as_const(s.network).gradients());
                       numbers.insert(numbers.end(), gradients.begin(), gradients.end());
                       std::vector<T> a = s.y;
                       std::reverse(a.begin(), a.end());
                       numbers.push_back(evaluate_loss<T>(loss, ConstMatrixView<T>(a.data(), kRows, kOutputs),
                                                          s.targets(), s.output(), s.weights));
                       const Numbers out = widened<T>(s.out);
                       numbers.insert(numbers.end(), out.begin(), out.end());
                       return numbers;
                     }});
  }
  for (const Metric metric : {Metric::r2, Metric::mae, Metric::accuracy}) {
    calls.push_back({std::string(metric_name(metric)), [&, metric] {
                       std::vector<T> a = setting.y;
                       std::vector<T> y = setting.y;
                       std::reverse(a.begin(), a.end());
                       if (metric == Metric::accuracy) {  // takes targets of 0 and 1
                         std::transform(y.begin(), y.end(), y.begin(), [](T v) { return v > T(0.5) ? T(1) : T(0); });
                       }
                       return Numbers{compute_metric<T>(metric, ConstMatrixView<T>(a.data(), kRows, kOutputs),
                                                        ConstMatrixView<T>(y.data(), kRows, kOutputs), false,
                                                        setting.weights)};
                     }});
  }
  calls.push_back({"fit", [&] {
                     Setting<T> s = setting;
                     Adam adam;
                     Schedule schedule = schedules::Exponential{.gamma = 0.9};
                     FitOptions<T> options{.epochs = 3, .batch_size = 20};
                     options.validation_split = 0.25;
                     options.sample_weight = s.weights;
                     options.metrics = {Metric::r2, Metric::mae};
                     options.schedule = &schedule;
                     const History history = s.network.fit(s.inputs(), s.targets(), MeanSquaredError{}, adam, options);
                     Numbers numbers = widened<T>(std::as_const(s.network).parameters());
                     for (const auto& [name, values] : history.series) {
                       if (name != "seconds") {
                         numbers.insert(numbers.end(), values.begin(), values.end());
                       }
                     }
                     return numbers;
                   }});
  calls.push_back({"gradient_check", [&] {
                     const Network<T> small({.sizes = {3, 4, 2}, .activation = Activation::tanh(), .seed = 1});
                     return Numbers{gradient_check(small, ConstMatrixView<T>(setting.x.data(), 5, 3),
                                                   ConstMatrixView<T>(setting.y.data(), 5, 2), MeanSquaredError{})};
                   }});
}

TEST(FloatingPointMode, NoResultDependsOnTheCallersAndEveryCallLeavesIt) {
  const Setting<float> single;
  const Setting<double> twice;
  std::vector<Call> calls;
  add_plain_calls(calls);
  add_calls(calls, single);
  add_calls(calls, twice);
  const int before = get_num_threads();
  for (const Call& call : calls) {
    set_num_threads(1);
    const Numbers expected = call.run();
    for (const int threads : {1, 2}) {
      set_num_threads(threads);
      for (const Mode& mode : modes()) {
        Numbers got;
        Bits set = 0;
        Bits left = 0;
        int direction = 0;
        int direction_left = 0;
        {
          const Restored restored;
          std::feclearexcept(FE_ALL_EXCEPT);
          mode.set();
          set = FloatingPointRegister::read();
          direction = std::fegetround();
          got = call.run();
          left = FloatingPointRegister::read();
          direction_left = std::fegetround();
        }
        ASSERT_EQ(got.size(), expected.size());
        EXPECT_EQ(std::memcmp(got.data(), expected.data(), got.size() * sizeof(double)), 0)
            << call.name << ", " << mode.name << ", " << threads << " threads";
        EXPECT_EQ(direction_left, direction) << call.name << ", " << mode.name;
        // Counting the work of a call raises the flag "inexact" (0x20); everything else must be unchanged.
        EXPECT_EQ(left & ~Bits{0x20}, set & ~Bits{0x20}) << call.name << ", " << mode.name;
      }
    }
  }
  set_num_threads(before);
}

#if defined(__SSE2__) || defined(__aarch64__)
/// The mode that a user's function sees: the rounding direction, and whether denormals are kept.
struct Found {
  int direction;
  bool denormals;
};

Found look() {
  volatile double tiny = std::numeric_limits<double>::min();
  const volatile double half = tiny / 2.0;
  return {std::fegetround(), half != 0.0};
}

TEST(FloatingPointMode, UsersFunctionsRunInTheCallers) {
  std::vector<std::pair<std::string, Found>> found;
  const auto note = [&](const char* where) { found.emplace_back(where, look()); };
  const Setting<double> s;
  Network<double> other({.sizes = {kInputs, 20, kOutputs}, .seed = 3});
  std::vector<double> out(kRows * kOutputs);

  CustomActivation custom;
  custom.function_f64 = [&](ConstMatrixView<double> z, MatrixView<double> a) {
    note("function");
    other.predict(s.inputs(), MatrixView<double>(out.data(), kRows, kOutputs));  // a nested call
    note("function, after a call");
    for (std::size_t r = 0; r < z.rows(); ++r) {
      std::copy_n(z.row(r), z.cols(), a.row(r));
    }
  };
  custom.derivative_f64 = [&](ConstMatrixView<double> z, MatrixView<double> a) {
    note("derivative");
    for (std::size_t r = 0; r < z.rows(); ++r) {
      std::fill_n(a.row(r), z.cols(), 1.0);
    }
  };
  custom.function_f32 = [](ConstMatrixView<float>, MatrixView<float>) {};
  custom.derivative_f32 = custom.function_f32;
  CustomLoss loss;
  loss.function_f64 = [&](ConstMatrixView<double> a, const Targets<double>&, MatrixView<double> gradient) {
    note("loss");
    for (std::size_t r = 0; r < a.rows(); ++r) {
      std::fill_n(gradient.row(r), a.cols(), 1e-3);
    }
    return 1.0;
  };
  loss.function_f32 = [](ConstMatrixView<float>, const Targets<float>&, MatrixView<float>) { return 0.0; };

  for (const int direction : {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD}) {
    const Restored restored;
    std::fesetround(direction);
    Network<double> network({.sizes = {kInputs, 20, kOutputs}, .activation = Activation::custom(custom), .seed = 5});
    network.predict(s.inputs(), MatrixView<double>(out.data(), kRows, kOutputs), 4);
    SGD sgd{.lr = 1e-6};
    (void)network.train_step(s.inputs(), s.targets(), MeanSquaredError{}, sgd);
    (void)network.train_step(s.inputs(), s.targets(), loss, sgd);
    (void)network.evaluate(s.inputs(), s.targets(), loss);
    FitOptions<double> options{.epochs = 2, .batch_size = 40};
    options.validation_split = 0.25;
    options.on_epoch_end = [&](const EpochReport&) {
      note("on_epoch_end");
      return false;
    };
    options.on_progress = [&](const ProgressReport&) {
      note("on_progress");
      return false;
    };
    (void)network.fit(s.inputs(), s.targets(), MeanSquaredError{}, sgd, options);
    (void)network.fit(s.inputs(), s.targets(), loss, sgd, options);
    (void)gradient_check(Network<double>({.sizes = {2, 1}, .seed = 0}), ConstMatrixView<double>(s.x.data(), 3, 2),
                         ConstMatrixView<double>(s.y.data(), 3, 1), MeanSquaredError{}, [&] { note("between"); });
    for (const auto& [where, in] : found) {
      EXPECT_EQ(in.direction, direction) << where;
      EXPECT_TRUE(in.denormals) << where;
    }
    EXPECT_GT(found.size(), 20U);
    found.clear();
  }
}

TEST(FloatingPointMode, AnExceptionOfAUsersFunctionRestoresTheCallers) {
  CustomActivation custom;
  custom.function_f32 = [](ConstMatrixView<float>, MatrixView<float>) { throw std::runtime_error("no"); };
  custom.derivative_f32 = custom.function_f32;
  custom.function_f64 = [](ConstMatrixView<double>, MatrixView<double>) {};
  custom.derivative_f64 = custom.function_f64;
  Network<float> network({.sizes = {3, 2, 1}, .activation = Activation::custom(custom), .seed = 5});
  const std::vector<float> x(3, 1.0F);
  SGD sgd;
  const Restored restored;
  std::fesetround(FE_UPWARD);
  const Bits before = FloatingPointRegister::read();
  EXPECT_THROW(network.forward(ConstMatrixView<float>(x.data(), 1, 3)), std::runtime_error);
  EXPECT_EQ(FloatingPointRegister::read() & ~Bits{0x3f}, before & ~Bits{0x3f});
  const ConstMatrixView<float> inputs(x.data(), 1, 3);
  EXPECT_THROW((void)network.train_step(inputs, ConstMatrixView<float>(x.data(), 1, 1), MeanSquaredError{}, sgd),
               std::runtime_error);
  EXPECT_EQ(std::fegetround(), FE_UPWARD);
}
#endif

}  // namespace
}  // namespace backpass

// An InterruptScope that ends a call leaves the network at a step boundary, at every point where the call can end. The
// next call computes the same as without the interruption.
#include <backpass/backpass.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace backpass {
namespace {

struct Stopped {};

std::vector<float> numbers(std::size_t n, unsigned int seed) {
  const Philox random(seed, 0);
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) {
    values[i] = static_cast<float>(2.0 * random.uniform(i) - 1.0);
  }
  return values;
}

/// Everything that a call may change, except gradients and activations.
struct State {
  explicit State(const NetworkOptions& options) : net(options) {}
  State(const State&) = default;
  Network<float> net;
  Adam adam{.lr = 1e-3};
  [[nodiscard]] std::vector<float> lasting() const {
    std::vector<float> all(net.parameters().begin(), net.parameters().end());
    for (const auto& slot : adam.state.slots_f32) {
      all.insert(all.end(), slot.begin(), slot.end());
    }
    for (const auto& group : adam.state.groups) {
      all.push_back(static_cast<float>(group.step));
    }
    all.push_back(static_cast<float>(net.dropout_state().pass));
    all.push_back(static_cast<float>(adam.lr));
    return all;
  }
};

struct Data {
  Data(const NetworkOptions& options, std::size_t rows)
      : x_values(numbers(rows * options.sizes.front(), 1)),
        y_values(numbers(rows * options.sizes.back(), 2)),
        x(x_values.data(), rows, options.sizes.front()),
        y(y_values.data(), rows, options.sizes.back()) {}
  std::vector<float> x_values, y_values;
  ConstMatrixView<float> x, y;
};

/// Makes a call, and returns what it computes besides the lasting state.
using Call = std::function<std::vector<float>(State&, const Data&)>;

std::vector<float> gradients(const State& s) { return {s.net.gradients().begin(), s.net.gradients().end()}; }

const CustomLoss kHalfSquares{[](ConstMatrixView<float> a, Targets<float> y, MatrixView<float> grad) {
                                double sum = 0.0;
                                for (std::size_t r = 0; r < a.rows(); ++r) {
                                  for (std::size_t c = 0; c < a.cols(); ++c) {
                                    const float d = a(r, c) - y.values()(r, c);
                                    sum += 0.5 * static_cast<double>(d) * static_cast<double>(d);
                                    grad(r, c) = d;
                                  }
                                }
                                return sum;
                              },
                              {}};

struct InterruptedCall {
  std::string name;
  Call call;
  bool keeps = false;  ///< keeps all rows as one block: short calls do not poll
  friend void PrintTo(const InterruptedCall& c, std::ostream* os) { *os << c.name; }
};

std::vector<float> train(State& s, const Data& d, const Loss& loss, const GradientOptions& options) {
  std::vector<float> all{static_cast<float>(s.net.train_step(d.x, d.y, loss, s.adam, {}, options))};
  const std::vector<float> g = gradients(s);
  all.insert(all.end(), g.begin(), g.end());
  return all;
}

std::vector<InterruptedCall> cases() {
  const MeanSquaredError mse;
  return {
      {"predict",
       [](State& s, const Data& d) {
         std::vector<float> out(d.y.rows() * d.y.cols());
         s.net.predict(d.x, MatrixView<float>(out.data(), d.y.rows(), d.y.cols()));
         return out;
       }},
      {"evaluate",
       [=](State& s, const Data& d) { return std::vector<float>{static_cast<float>(s.net.evaluate(d.x, d.y, mse))}; }},
      {"train_step", [=](State& s, const Data& d) { return train(s, d, mse, {}); }},
      {"train_step_clipped", [=](State& s, const Data& d) { return train(s, d, mse, {.clip_norm = 1e-3}); }},
      {"train_step_custom", [](State& s, const Data& d) { return train(s, d, kHalfSquares, {}); }, true},
      {"loss_and_gradient",
       [=](State& s, const Data& d) {
         (void)s.net.loss_and_gradient(d.x, d.y, mse);
         return gradients(s);
       }},
      {"forward_and_backward",
       [](State& s, const Data& d) {
         const auto a = s.net.forward(d.x, true);
         std::vector<float> out(a.data(), a.data() + a.cols());  // one row is enough
         s.net.backward(d.y);
         const std::vector<float> g = gradients(s);
         out.insert(out.end(), g.begin(), g.end());
         return out;
       },
       true},
  };
}

class Interrupt : public testing::TestWithParam<InterruptedCall> {
 protected:
  void TearDown() override { set_num_threads(before_); }

 private:
  int before_ = get_num_threads();
};

/// Ends `call` at its n-th check, with n = 1, 2, 3, … in growing steps, until the call has fewer than n checks.
/// \returns the number of checks
int end_everywhere(const Call& call, const NetworkOptions& options, std::size_t rows, bool lasts) {
  const Data data(options, rows);
  const State fresh(options);
  State reference = fresh;
  const std::vector<float> expected = call(reference, data);
  for (int n = 1;; n += 1 + n / 4) {
    State s = fresh;
    int checks = 0;
    bool ended = false;
    try {
      const InterruptScope scope(
          [&] {
            if (++checks == n) {
              throw Stopped();
            }
          },
          std::chrono::nanoseconds(0));
      EXPECT_EQ(call(s, data), expected);
    } catch (const Stopped&) {
      ended = true;
    }
    if (!ended) {
      EXPECT_EQ(s.lasting(), reference.lasting());
      return checks;
    }
    EXPECT_EQ(checks, n) << "check() was called again after the end";
    if (lasts) {
      EXPECT_EQ(s.lasting(), fresh.lasting()) << "ended at check " << n;
      EXPECT_EQ(call(s, data), expected) << "after an end at check " << n;
      EXPECT_EQ(s.lasting(), reference.lasting());
    }
    if (testing::Test::HasFailure()) {
      return checks;
    }
  }
}

TEST_P(Interrupt, LeavesTheNetworkAtAStepBoundary) {
  struct Shape {
    std::vector<std::size_t> sizes;
    std::size_t rows;
    double dropout;
  };
  // Row blocks; segments; columns shared by a team. Calls with `keeps` use one large block.
  const std::vector<Shape> shapes{
      {{40, 150, 90, 5}, 1200, 0.2}, {{8, 32, 32, 3}, 5000, 0.0}, {{300, 3000, 3}, 270, 0.0}};
  for (const Shape& shape : shapes) {
    const NetworkOptions options{
        .sizes = shape.sizes, .activation = Activation::tanh(), .dropout = shape.dropout, .seed = 3};
    for (const int threads : {1, 3}) {
      set_num_threads(threads);
      // forward counts its dropout pass, and an interrupted backward does not undo that.
      const bool lasts = GetParam().name != "forward_and_backward";
      const std::size_t rows = GetParam().keeps ? 8 * shape.rows : shape.rows;
      EXPECT_GE(end_everywhere(GetParam().call, options, rows, lasts), 3) << rows << " rows, " << threads << " threads";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Calls, Interrupt, testing::ValuesIn(cases()), [](const auto& c) { return c.param.name; });

/// If the gradient of one block takes long, the update waits for the whole gradient.
TEST(InterruptOfOneBlock, ComesBeforeTheUpdate) {
  const NetworkOptions options{.sizes = {2048, 2048}, .activation = Activation::tanh(), .seed = 3};
  const Data data(options, 256);
  const State fresh(options);
  State reference = fresh;
  (void)reference.net.loss_and_gradient(data.x, data.y, MeanSquaredError{});
  reference.net.step(reference.adam);
  State s = fresh;
  std::vector<float> values;
  int checks = 0;
  {
    // Checks also run during the computation of the gradient, whose products are more than half of the work.
    const InterruptScope scope([&] { ++checks; }, std::chrono::nanoseconds(0));
    (void)s.net.train_step(data.x, data.y, MeanSquaredError{}, s.adam);
  }
  EXPECT_GE(checks, 100);
  EXPECT_EQ(s.lasting(), reference.lasting());
  for (const int n : {checks / 2, checks}) {
    State ended = fresh;
    int count = 0;
    const InterruptScope scope(
        [&] {
          if (++count == n) {
            throw Stopped();
          }
        },
        std::chrono::nanoseconds(0));
    EXPECT_THROW((void)ended.net.train_step(data.x, data.y, MeanSquaredError{}, ended.adam), Stopped);
    EXPECT_EQ(ended.lasting(), fresh.lasting());
  }
}

TEST(InterruptOfForward, LeavesNothingForBackward) {
  const NetworkOptions options{.sizes = {40, 300, 300, 5}, .activation = Activation::tanh(), .seed = 3};
  const Data data(options, 500);
  Network<float> net(options);
  (void)net.forward(data.x);
  {
    const InterruptScope scope([] { throw Stopped(); }, std::chrono::nanoseconds(0));
    EXPECT_THROW((void)net.forward(data.x), Stopped);
  }
  EXPECT_THROW(net.backward(data.y), StateError);
  (void)net.forward(data.x);
  net.backward(data.y);
}

TEST(InterruptOfFit, LeavesTheLastFinishedStep) {
  const NetworkOptions options{.sizes = {40, 150, 90, 5}, .activation = Activation::tanh(), .seed = 3};
  const Data data(options, 1000);
  const FitOptions<float> settings{.epochs = 2, .batch_size = 400, .shuffle = false};
  for (int n = 1;; n += 7) {
    // Compares with as many train_step calls as fit has finished.
    State s(options);
    int checks = 0;
    bool ended = false;
    try {
      const InterruptScope scope(
          [&] {
            if (++checks == n) {
              throw Stopped();
            }
          },
          std::chrono::nanoseconds(0));
      (void)s.net.fit(data.x, data.y, MeanSquaredError{}, s.adam, settings);
    } catch (const Stopped&) {
      ended = true;
    }
    State steps(options);
    const std::int64_t done = s.adam.state.groups.empty() ? 0 : s.adam.state.groups.front().step;
    for (std::int64_t i = 0; i < done; ++i) {
      const std::size_t first = static_cast<std::size_t>(i % 3) * 400;
      const std::size_t count = first == 800 ? 200 : 400;
      (void)steps.net.train_step(data.x.middle_rows(first, count), data.y.middle_rows(first, count), MeanSquaredError{},
                                 steps.adam);
    }
    ASSERT_EQ(s.lasting(), steps.lasting()) << "ended at check " << n << ", " << done << " steps";
    if (!ended) {
      EXPECT_EQ(done, 6);
      EXPECT_GE(checks, 20);
      return;
    }
  }
}

TEST(InterruptOfInitialize, LeavesTheParameters) {
  for (const InitializerKind kind : {InitializerKind::glorot_uniform, InitializerKind::orthogonal}) {
    const Initializer init{kind, 1.0};
    Network<float> net({.sizes = {100, 200, 50}, .init = init, .seed = 1});
    const std::vector<float> before(net.parameters().begin(), net.parameters().end());
    const Network<float> other({.sizes = {100, 200, 50}, .init = init, .seed = 2});
    int checks = 0;
    {
      const InterruptScope scope(
          [&] {
            if (++checks == 200) {
              throw Stopped();
            }
          },
          std::chrono::nanoseconds(0));
      EXPECT_THROW(net.initialize(2), Stopped);
    }
    EXPECT_TRUE(std::equal(before.begin(), before.end(), net.parameters().begin()));
    net.initialize(2);
    EXPECT_TRUE(std::equal(other.parameters().begin(), other.parameters().end(), net.parameters().begin()));
  }
}

TEST(InterruptOfGradientCheck, EndsIt) {
  const NetworkOptions options{.sizes = {4, 6, 2}, .activation = Activation::tanh(), .seed = 3};
  const Data data(options, 30);
  const Network<float> net(options);
  int checks = 0;
  const InterruptScope scope(
      [&] {
        if (++checks == 5) {
          throw Stopped();
        }
      },
      std::chrono::nanoseconds(0));
  EXPECT_THROW((void)gradient_check(net, data.x, data.y, MeanSquaredError{}), Stopped);
}

TEST(InterruptScope, CallsOnlyTheInnermostCheckOfItsThread) {
  const NetworkOptions options{.sizes = {40, 150, 90, 5}, .activation = Activation::tanh(), .seed = 3};
  const Data data(options, 1200);
  const Network<float> net(options);
  std::vector<float> out(data.y_values.size());
  const MatrixView<float> to(out.data(), data.y.rows(), data.y.cols());
  int outer = 0;
  int inner = 0;
  const InterruptScope of_all([&] { ++outer; }, std::chrono::nanoseconds(0));
  std::thread([&] { net.predict(data.x, to); }).join();
  EXPECT_EQ(outer, 0);
  {
    const InterruptScope scope([&] { ++inner; }, std::chrono::nanoseconds(0));
    net.predict(data.x, to);
  }
  EXPECT_EQ(outer, 0);
  EXPECT_GT(inner, 0);
  net.predict(data.x, to);
  EXPECT_EQ(outer, inner);
}

TEST(InterruptScope, ACheckMayUseAnotherNetwork) {
  const NetworkOptions options{.sizes = {40, 150, 90, 5}, .activation = Activation::tanh(), .seed = 3};
  const Data data(options, 1200);
  Network<float> net(options);
  const Network<float> other = net;
  std::vector<float> out(data.y_values.size());
  const double expected = net.copy().evaluate(data.x, data.y, MeanSquaredError{});
  int checks = 0;
  const InterruptScope scope(
      [&] {
        ++checks;
        EXPECT_EQ(other.evaluate(data.x, data.y, MeanSquaredError{}), expected);
      },
      std::chrono::nanoseconds(0));
  EXPECT_EQ(net.loss_and_gradient(data.x, data.y, MeanSquaredError{}), expected);
  EXPECT_GT(checks, 0);
}

TEST(InterruptScope, CallsTheCheckAfterAnInterval) {
  const NetworkOptions options{.sizes = {200, 800, 800, 5}, .activation = Activation::tanh(), .seed = 3};
  const Data data(options, 4000);
  const Network<float> net(options);
  using Clock = std::chrono::steady_clock;
  std::vector<Clock::time_point> times;
  const Clock::time_point start = Clock::now();
  {
    const InterruptScope scope([&] { times.push_back(Clock::now()); }, std::chrono::milliseconds(5));
    while (times.size() < 10) {
      (void)net.evaluate(data.x, data.y, MeanSquaredError{});
    }
  }
  Clock::time_point last = start;
  for (const Clock::time_point time : times) {
    EXPECT_GE(time - last, std::chrono::milliseconds(5));
    last = time;
  }
}

}  // namespace
}  // namespace backpass

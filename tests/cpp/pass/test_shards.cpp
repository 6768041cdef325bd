// Shards of a batch: the sum of a shard is that of a batch of its rows, and the sums are added in one tree.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <backpass/backpass.hpp>

namespace backpass {
namespace {

template <class T>
std::vector<T> numbers(std::size_t n, unsigned int seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  std::vector<T> v(n);
  for (T& x : v) {
    x = static_cast<T>(normal(generator));
  }
  return v;
}

/// A batch and a network, whose sums have no segments, segments, or chunks.
template <class T>
struct Case {
  std::size_t rows;
  std::vector<std::size_t> sizes;
  double dropout = 0.0;
  std::vector<T> x = numbers<T>(rows * sizes.front(), 1);
  std::vector<T> y = numbers<T>(rows * sizes.back(), 2);
  std::vector<T> weights = {};

  [[nodiscard]] Network<T> network() const {
    return Network<T>({.sizes = sizes, .activation = Activation::tanh(), .dropout = dropout, .seed = 5});
  }
  [[nodiscard]] ConstMatrixView<T> X() const { return {x.data(), rows, sizes.front()}; }
  [[nodiscard]] ConstMatrixView<T> Y() const { return {y.data(), rows, sizes.back()}; }
};

template <class T>
std::vector<Case<T>> cases() {
  std::vector<Case<T>> all;
  for (const std::size_t rows : {1, 2, 7, 8, 31, 257, 2000}) {
    all.push_back({rows, {5, 16, 3}});
  }
  all.push_back({300, {40, 200, 130, 2}});
  all.push_back({40000, {3, 4, 1}});
  all.push_back({97, {5, 16, 16, 3}, 0.4});
  for (Case<T>& each : all) {
    if (each.rows % 2 == 1 && each.rows > 1) {
      each.weights = numbers<T>(each.rows, 3);
      std::transform(each.weights.begin(), each.weights.end(), each.weights.begin(), [](T w) { return std::fabs(w); });
    }
  }
  return all;
}

template <class T>
struct Results {
  double loss;
  std::vector<T> gradients, input_gradient;
};

template <class T>
Results<T> results_of(const Case<T>& c, std::size_t shards) {
  Network<T> net = c.network();
  Results<T> results{0.0, {}, std::vector<T>(c.x.size())};
  results.loss = net.loss_and_gradient(c.X(), c.Y(), MeanSquaredError{}, c.weights,
                                       MatrixView<T>(results.input_gradient.data(), c.rows, c.sizes.front()), shards);
  results.gradients.assign(net.gradients().begin(), net.gradients().end());
  return results;
}

double norm(const auto& v) {
  return std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0, std::plus<>(),
                                      [](auto a, auto b) { return static_cast<double>(a) * static_cast<double>(b); }));
}

template <class T>
double distance(std::vector<T> a, const std::vector<T>& b) {
  std::transform(a.begin(), a.end(), b.begin(), a.begin(), std::minus<>());
  return norm(a);
}

template <class T>
class Shards : public ::testing::Test {
 protected:
  void TearDown() override { set_num_threads(before_); }

 private:
  int before_ = get_num_threads();
};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Shards, Types);

TYPED_TEST(Shards, AreTheGradientOfTheBatch) {
  using T = TypeParam;
  for (const Case<T>& c : cases<T>()) {
    const Results<T> whole = results_of(c, 1);
    for (const std::size_t shards : {2, 8, 64}) {
      SCOPED_TRACE(std::to_string(c.rows) + " rows, " + std::to_string(shards) + " shards");
      const Results<T> parts = results_of(c, shards);
      EXPECT_NEAR(parts.loss, whole.loss, 1e-13 * whole.loss);
      // A row's gradient is not a sum over rows: only the sum of the weights rounds differently.
      constexpr T kEpsilon = std::numeric_limits<T>::epsilon();
      if (c.weights.empty()) {
        EXPECT_EQ(parts.input_gradient, whole.input_gradient);
      }
      EXPECT_LE(distance(parts.input_gradient, whole.input_gradient), 4 * kEpsilon * norm(whole.input_gradient));
      // The sums have at most 256 terms or chunks in a row, and random signs.
      EXPECT_LE(distance(parts.gradients, whole.gradients), 64 * kEpsilon * norm(whole.gradients));
    }
  }
}

TYPED_TEST(Shards, AreAddedInATree) {
  using T = TypeParam;
  // The factors 1 / 64 and 1 / 16 are powers of two, so a shard of 16 rows has the bits of a batch, times 1 / 4.
  const Case<T> c{64, {5, 16, 3}};
  const Results<T> parts = results_of(c, 4);
  std::vector<std::vector<T>> gradients;
  std::vector<double> losses;
  for (std::size_t s = 0; s < 4; ++s) {
    Network<T> net = c.network();
    losses.push_back(
        net.loss_and_gradient(c.X().middle_rows(16 * s, 16), c.Y().middle_rows(16 * s, 16), MeanSquaredError{}) / 4);
    gradients.emplace_back(net.gradients().begin(), net.gradients().end());
  }
  EXPECT_NEAR(parts.loss, (losses[0] + losses[1]) + (losses[2] + losses[3]), 1e-16);
  for (std::size_t i = 0; i < parts.gradients.size(); ++i) {
    const T sum = (gradients[0][i] + gradients[1][i]) + (gradients[2][i] + gradients[3][i]);
    ASSERT_EQ(parts.gradients[i], sum / 4) << i;
  }
}

TYPED_TEST(Shards, HaveTheSameBitsForAnyNumberOfThreads) {
  using T = TypeParam;
  for (const Case<T>& c : cases<T>()) {
    set_num_threads(1);
    const Results<T> one = results_of(c, 8);
    for (const int threads : {2, 3, 8}) {
      set_num_threads(threads);
      const Results<T> several = results_of(c, 8);
      EXPECT_EQ(one.loss, several.loss);
      EXPECT_EQ(one.gradients, several.gradients);
    }
  }
}

TYPED_TEST(Shards, ATrainStepIsLossAndGradientAndStep) {
  using T = TypeParam;
  const Case<T> c{97, {5, 16, 3}, 0.3};
  for (const GradientOptions& options : {GradientOptions{}, GradientOptions{.l2 = 0.1, .clip_norm = 0.01}}) {
    Network<T> one = c.network();
    Network<T> other = c.network();
    Adam adam;
    Adam other_adam;
    for (int step = 0; step < 3; ++step) {
      const double loss = one.train_step(c.X(), c.Y(), MeanSquaredError{}, adam, {}, options, 8);
      EXPECT_EQ(loss, other.loss_and_gradient(c.X(), c.Y(), MeanSquaredError{}, {}, {}, 8));
      other.step(other_adam, options);
      EXPECT_TRUE(std::ranges::equal(one.parameters(), other.parameters()));
    }
    EXPECT_EQ(one.dropout_state().pass, 3U);
  }
}

TYPED_TEST(Shards, RefusalsChangeNothing) {
  using T = TypeParam;
  const Case<T> c{8, {5, 3}};
  Network<T> net = c.network();
  Adam adam;
  for (const std::size_t shards : {0, 3, 12, 2048}) {
    EXPECT_THROW(net.train_step(c.X(), c.Y(), MeanSquaredError{}, adam, {}, {}, shards), std::invalid_argument);
    EXPECT_THROW(net.loss_and_gradient(c.X(), c.Y(), MeanSquaredError{}, {}, {}, shards), std::invalid_argument);
  }
  CustomLoss custom;
  custom.function_f32 = [](auto, const auto&, auto) { return 0.0; };
  custom.function_f64 = [](auto, const auto&, auto) { return 0.0; };
  EXPECT_THROW(net.train_step(c.X(), c.Y(), custom, adam, {}, {}, 2), std::invalid_argument);
  const std::vector<T> invalid(8, T(-1));
  EXPECT_THROW(net.train_step(c.X(), c.Y(), MeanSquaredError{}, adam, invalid, {}, 2), std::invalid_argument);
  EXPECT_TRUE(std::ranges::equal(net.parameters(), c.network().parameters()));
  EXPECT_EQ(adam.state.groups.size(), 0U);
}

}  // namespace
}  // namespace backpass

// Means that are finite although the sum of their terms overflows.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <backpass/backpass.hpp>

namespace backpass {
namespace {

/// A network whose output has the given z for any input.
Network<double> constant_network(const std::vector<double>& z, const Activation& output) {
  Network<double> net({.sizes = {1, z.size()}, .output = output, .seed = 0});
  std::fill(net.parameters().begin(), net.parameters().end(), 0.0);
  std::copy(z.begin(), z.end(), net.layer(0).bias().begin());
  return net;
}

/// All calls that compute a loss give the same bits and the expected value.
void expect_everywhere(Network<double> net, std::size_t rows, const Targets<double>& y, const Loss& loss,
                       std::span<const double> weights, double expected) {
  const std::vector<double> inputs(rows, 1.0);
  const ConstMatrixView<double> x(inputs.data(), rows, 1);
  const double value = net.evaluate(x, y, loss, weights);
  // The sum is rounded once per term.
  const double tolerance = 2.0 * static_cast<double>(rows) * std::numeric_limits<double>::epsilon();
  EXPECT_NEAR(value / expected, 1.0, tolerance);
  EXPECT_EQ(net.loss_and_gradient(x, y, loss, weights), value);
  SGD sgd{.lr = 0.0};
  EXPECT_EQ(net.train_step(x, y, loss, sgd, weights), value);
  FitOptions<double> options{.batch_size = rows / 2 + 1, .sample_weight = weights};
  if (weights.empty()) {
    options.validation_data.emplace(x, y);
  }
  const History history = net.fit(x, y, loss, sgd, options);
  EXPECT_NEAR(history["loss"].front() / expected, 1.0, tolerance);
  if (weights.empty()) {
    EXPECT_EQ(history["val_loss"].front(), value);
  }
}

class LossRange : public testing::TestWithParam<std::size_t> {};
// Few rows, and enough rows for segments.
INSTANTIATE_TEST_SUITE_P(Rows, LossRange, testing::Values(3, 1000));

TEST_P(LossRange, SoftmaxWithCrossEntropy) {
  const std::size_t rows = GetParam();
  const std::vector<std::int64_t> labels(rows, 0);
  for (const double z : {1e308, std::numeric_limits<double>::max()}) {
    expect_everywhere(constant_network({0.0, z}, Activation::softmax()), rows, labels, CrossEntropy{}, {}, z);
    expect_everywhere(constant_network({0.0, z}, Activation::identity()), rows, labels, SoftmaxCrossEntropy{}, {}, z);
  }
}

TEST_P(LossRange, SigmoidWithBinaryCrossEntropy) {
  const std::size_t rows = GetParam();
  for (const std::size_t outputs : {1, 2, 33}) {
    const std::vector<double> ones(rows * outputs, 1.0);
    const ConstMatrixView<double> y(ones.data(), rows, outputs);
    const std::vector<double> z(outputs, -1.7e308);
    expect_everywhere(constant_network(z, Activation::sigmoid()), rows, y, BinaryCrossEntropy{}, {}, 1.7e308);
    expect_everywhere(constant_network(z, Activation::identity()), rows, y, MeanAbsoluteError{}, {}, 1.7e308);
  }
}

TEST_P(LossRange, LargeWeights) {
  const std::size_t rows = GetParam();
  const std::vector<std::int64_t> labels(rows, 0);
  std::vector<double> weights(rows, 1e300);
  weights.front() = 0.0;
  expect_everywhere(constant_network({0.0, 1e200}, Activation::softmax()), rows, labels, CrossEntropy{}, weights,
                    1e200);
}

TEST(LossRange, OfArraysAlone) {
  const std::vector<double> a(6, -1.7e308);
  const std::vector<double> y(6, 0.0);
  const ConstMatrixView<double> A(a.data(), 3, 2);
  const ConstMatrixView<double> Y(y.data(), 3, 2);
  EXPECT_NEAR(evaluate_loss<double>(MeanAbsoluteError{}, A, Y) / 1.7e308, 1.0, 1e-15);
  std::vector<double> grad(6);
  EXPECT_NEAR(evaluate_loss<double>(MeanAbsoluteError{}, A, Y, {grad.data(), 3, 2}) / 1.7e308, 1.0, 1e-15);
  for (const double g : grad) {
    EXPECT_NEAR(g, -1.0 / 6.0, 1e-16);
  }
}

TEST(LossRange, AMeanOfEqualTermsIsTheTermWhereThePlainSumIsExact) {
  for (const std::size_t rows : {3, 10, 49, 1000}) {
    const std::vector<double> a(rows, 1.0);
    const std::vector<double> y(rows, 0.0);
    EXPECT_EQ(evaluate_loss<double>(MeanSquaredError{}, ConstMatrixView<double>(a.data(), rows, 1),
                                    ConstMatrixView<double>(y.data(), rows, 1)),
              static_cast<double>(rows) * (1.0 / static_cast<double>(rows)));
  }
}

TEST(LossRange, WhatIsInfiniteStaysInfinite) {
  const std::vector<double> a{1e200, 0.0};
  const std::vector<double> y{0.0, 0.0};
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(evaluate_loss<double>(MeanSquaredError{}, ConstMatrixView<double>(a.data(), 1, 2),
                                  ConstMatrixView<double>(y.data(), 1, 2)),
            infinity);
  const std::vector<double> nan{std::numeric_limits<double>::quiet_NaN(), 0.0};
  EXPECT_TRUE(std::isnan(evaluate_loss<double>(MeanSquaredError{}, ConstMatrixView<double>(nan.data(), 1, 2),
                                               ConstMatrixView<double>(y.data(), 1, 2))));
}

}  // namespace
}  // namespace backpass

// gradient_check returns a small value for right gradients, and the size of the error for wrong ones.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <backpass/backpass.hpp>

namespace backpass {
namespace {

std::vector<double> normals(std::size_t n) {
  std::mt19937 generator(5);
  std::normal_distribution<double> normal;
  std::vector<double> values(n);
  for (double& v : values) {
    v = normal(generator);
  }
  return values;
}

template <class T>
Network<T> make_network(const Activation& output = Activation::identity()) {
  return Network<T>({.sizes = {4, 5, 3}, .activation = Activation::tanh(), .output = output, .seed = 0});
}

/// Mean squared error with a gradient that is `factor` times the right one.
CustomLoss scaled_gradient(double factor) {
  const auto function = [factor]<class T>(ConstMatrixView<T> a, const Targets<T>& y, MatrixView<T> grad) {
    const double value = evaluate_loss<T>(MeanSquaredError{}, a, y, grad);
    for (std::size_t r = 0; r < grad.rows(); ++r) {
      for (std::size_t k = 0; k < grad.cols(); ++k) {
        grad(r, k) *= static_cast<T>(factor);
      }
    }
    return value;
  };
  CustomLoss loss;
  loss.function_f32 = function;
  loss.function_f64 = function;
  return loss;
}

TEST(GradientCheck, IsSmallForRightGradients) {
  const auto x = normals(24);
  const auto y = normals(18);
  const ConstMatrixView<double> X(x.data(), 6, 4);
  const ConstMatrixView<double> Y(y.data(), 6, 3);
  EXPECT_LT(gradient_check(make_network<double>(), X, Targets<double>(Y), MeanSquaredError{}), 1e-7);
  EXPECT_LT(gradient_check(make_network<double>(), X, Targets<double>(Y), scaled_gradient(1.0)), 1e-7);
  const std::vector<int> labels{0, 1, 2, 2, 1, 0};
  EXPECT_LT(gradient_check(make_network<double>(Activation::softmax()), X, Targets<double>(labels), CrossEntropy{}),
            1e-7);
}

TEST(GradientCheck, IsTheRelativeErrorOfWrongOnes) {
  const auto x = normals(24);
  const auto y = normals(18);
  // |1.1 g − g| / |1.1 g|. Parameters whose gradient is much smaller than the largest count less.
  EXPECT_NEAR(gradient_check(make_network<double>(), ConstMatrixView<double>(x.data(), 6, 4),
                             Targets<double>(ConstMatrixView<double>(y.data(), 6, 3)), scaled_gradient(1.1)),
              0.1 / 1.1, 1e-6);
}

TEST(GradientCheck, OfFloatsIsMadeInDoublesWithoutDropout) {
  const auto wide = normals(42);
  const std::vector<float> data(wide.begin(), wide.end());
  const ConstMatrixView<float> x(data.data(), 6, 4);
  Network<float> net({.sizes = {4, 5, 3},
                      .activation = Activation::tanh(),
                      .output = Activation::softmax(),
                      .dropout = 0.5,
                      .seed = 0});
  const std::vector<float> before(net.parameters().begin(), net.parameters().end());
  const std::vector<std::int64_t> labels{0, 1, 2, 2, 1, 0};
  EXPECT_LT(gradient_check(net, x, labels, CrossEntropy{}), 1e-7);
  EXPECT_LT(gradient_check(net, x, ConstMatrixView<float>(data.data() + 24, 6, 3), MeanSquaredError{}), 1e-7);
  EXPECT_EQ(before, std::vector<float>(net.parameters().begin(), net.parameters().end()));
}

TEST(GradientCheck, IsSmallAtKinks) {
  const auto x = normals(24);
  const auto y = normals(18);
  const Network<double> net({.sizes = {4, 8, 8, 3}, .activation = Activation::relu(), .seed = 0});
  EXPECT_LT(gradient_check(net, ConstMatrixView<double>(x.data(), 6, 4),
                           Targets<double>(ConstMatrixView<double>(y.data(), 6, 3)), MeanSquaredError{}),
            1e-5);
}

TEST(GradientCheck, SaysNanWhereAGradientIs) {
  auto x = normals(24);
  x[3] = std::numeric_limits<double>::quiet_NaN();
  const auto y = normals(18);
  EXPECT_TRUE(std::isnan(gradient_check(make_network<double>(), ConstMatrixView<double>(x.data(), 6, 4),
                                        Targets<double>(ConstMatrixView<double>(y.data(), 6, 3)), MeanSquaredError{})));
}

TEST(GradientCheck, CanBeEndedBetweenParameters) {
  const auto x = normals(24);
  const auto y = normals(18);
  std::size_t calls = 0;
  const auto end_third = [&] {
    if (++calls == 3) {
      throw std::runtime_error("enough");
    }
  };
  EXPECT_THROW(
      (void)gradient_check(make_network<double>(), ConstMatrixView<double>(x.data(), 6, 4),
                           Targets<double>(ConstMatrixView<double>(y.data(), 6, 3)), MeanSquaredError{}, end_third),
      std::runtime_error);
  EXPECT_EQ(calls, 3U);
}

TEST(GradientCheck, RefusesWrongShapes) {
  const auto x = normals(24);
  EXPECT_THROW((void)gradient_check(make_network<double>(), ConstMatrixView<double>(x.data(), 8, 3),
                                    Targets<double>(ConstMatrixView<double>(x.data(), 8, 3)), MeanSquaredError{}),
               ShapeError);
}

}  // namespace
}  // namespace backpass

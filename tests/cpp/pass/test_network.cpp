// The public network: its calls agree bit for bit, shapes are checked, and a failed call changes nothing.
// (test_complex_step.cpp and the Python tests compare the numbers with independent networks.)
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <backpass/backpass.hpp>

namespace backpass {
namespace {

template <class T>
struct Data {
  Data(std::size_t rows, std::size_t inputs, std::size_t outputs) : x(rows * inputs), y(rows * outputs) {
    std::mt19937 generator(3);
    std::normal_distribution<double> normal;
    for (T& v : x) {
      v = static_cast<T>(normal(generator));
    }
    for (T& v : y) {
      v = static_cast<T>(normal(generator));
    }
    for (std::size_t r = 0; r < rows; ++r) {
      labels.push_back(static_cast<std::int32_t>(generator() % outputs));
      weights.push_back(static_cast<T>(0.5 + static_cast<double>(generator() % 8)));
    }
    X = {x.data(), rows, inputs};
    Y = {y.data(), rows, outputs};
  }
  std::vector<T> x, y, weights;
  std::vector<std::int32_t> labels;
  ConstMatrixView<T> X, Y;
};

template <class T>
std::vector<T> copy_of(std::span<T> values) {
  return {values.begin(), values.end()};
}

template <class T>
class NetworkOf : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(NetworkOf, Types);

TYPED_TEST(NetworkOf, TrainStepIsForwardLossBackwardStep) {
  using T = TypeParam;
  struct Case {
    std::vector<std::size_t> sizes;
    std::size_t rows;
  };
  // Small and long (summed in segments); medium; more parameters than segments allow.
  for (const Case& c : {Case{{4, 9, 3}, 1000}, Case{{5, 33, 17, 4}, 70}, Case{{200, 190, 10}, 600}}) {
    for (const double dropout : {0.0, 0.3}) {
      const Data<T> data(c.rows, c.sizes.front(), c.sizes.back());
      Network<T> fused({.sizes = c.sizes, .activation = Activation::tanh(), .dropout = dropout, .seed = 1});
      Network<T> apart(fused);
      Adam fused_adam;
      Adam apart_adam;
      for (int step = 0; step < 3; ++step) {
        const double loss = fused.train_step(data.X, data.Y, MeanSquaredError{}, fused_adam);
        const auto a = apart.forward(data.X, true);
        std::vector<T> grad(c.rows * c.sizes.back());
        const MatrixView<T> grad_output(grad.data(), c.rows, c.sizes.back());
        EXPECT_NEAR(evaluate_loss<T>(MeanSquaredError{}, a, data.Y, grad_output), loss, 1e-12 * loss);
        apart.backward(grad_output);
        apart.step(apart_adam);
      }
      EXPECT_EQ(copy_of(fused.gradients()), copy_of(apart.gradients()));
      EXPECT_EQ(copy_of(fused.parameters()), copy_of(apart.parameters()));
    }
  }
}

TYPED_TEST(NetworkOf, BitsDoNotDependOnThreads) {
  using T = TypeParam;
  const int before = get_num_threads();
  for (const auto& [sizes, rows] : {std::pair{std::vector<std::size_t>{4, 32, 16, 4}, std::size_t{5000}},
                                    std::pair{std::vector<std::size_t>{300, 200, 100, 10}, std::size_t{300}}}) {
    const Data<T> data(rows, sizes.front(), sizes.back());
    std::vector<T> expected;
    for (const int threads : {1, 2, 3, 4, 7, 8}) {
      set_num_threads(threads);
      Network<T> net({.sizes = sizes, .activation = Activation::gelu(), .dropout = 0.1, .seed = 1});
      Adam adam{.lr = 1e-2};
      for (int step = 0; step < 4; ++step) {
        net.train_step(data.X, data.labels, SoftmaxCrossEntropy{}, adam, data.weights,
                       {.clip_norm = step % 2 == 0 ? 0.1 : 0.0});
      }
      if (expected.empty()) {
        expected = copy_of(net.parameters());
      }
      EXPECT_EQ(copy_of(net.parameters()), expected) << threads << " threads";
    }
  }
  set_num_threads(before);
}

TYPED_TEST(NetworkOf, PredictedRowsDoNotDependOnTheirNeighbours) {
  using T = TypeParam;
  const Data<T> data(130, 37, 5);
  const Network<T> net({.sizes = {37, 65, 129, 5}, .output = Activation::softmax(), .seed = 1});
  std::vector<T> all(130 * 5);
  net.predict(data.X, MatrixView<T>(all.data(), 130, 5));
  Workspace<T> workspace = net.make_workspace(1);
  for (std::size_t rows = 1; rows <= 130; ++rows) {
    std::vector<T> some(rows * 5);
    const std::size_t first = 130 - rows;
    net.predict(data.X.middle_rows(first, rows), MatrixView<T>(some.data(), rows, 5), workspace);
    EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin() + static_cast<std::ptrdiff_t>(first * 5))) << rows;
  }
  Network<T> copy = net.copy();
  const auto forward = copy.forward(data.X);
  for (std::size_t r = 0; r < 130; ++r) {
    EXPECT_TRUE(std::equal(forward.row(r), forward.row(r) + 5, all.begin() + static_cast<std::ptrdiff_t>(r * 5)));
  }
}

/// One row goes another way than many rows.
TYPED_TEST(NetworkOf, OneRowOfEveryActivationHasTheBitsOfABatch) {
  using T = TypeParam;
  for (const std::string_view name : Activation::names()) {
    for (const bool bias : {true, false}) {
      const Activation activation = Activation::from_name(name);
      const Network<T> net(
          {.sizes = {5, 67, 19, 4}, .activation = activation, .output = activation, .bias = bias, .seed = 3});
      const Data<T> data(6, 5, 4);
      std::vector<T> all(6 * 4);
      net.predict(data.X, MatrixView<T>(all.data(), 6, 4));
      Workspace<T> workspace = net.make_workspace(1);
      for (std::size_t r = 0; r < 6; ++r) {
        std::vector<T> one(4);
        std::vector<T> with_workspace(4);
        net.predict(data.X.middle_rows(r, 1), MatrixView<T>(one.data(), 1, 4));
        net.predict(data.X.middle_rows(r, 1), MatrixView<T>(with_workspace.data(), 1, 4), workspace);
        const std::vector<T> expected(all.begin() + static_cast<std::ptrdiff_t>(4 * r),
                                      all.begin() + static_cast<std::ptrdiff_t>(4 * r + 4));
        EXPECT_EQ(one, expected) << name;
        EXPECT_EQ(with_workspace, expected) << name;
      }
    }
  }
}

/// A workspace belongs to no network: it must compute with the parameters and layers that the network has now.
TYPED_TEST(NetworkOf, AWorkspaceFollowsAssignment) {
  using T = TypeParam;
  const auto make = [](std::size_t hidden, std::uint64_t seed) {
    return Network<T>({.sizes = {3, hidden, 2}, .activation = Activation::tanh(), .seed = seed});
  };
  Network<T> net = make(9, 0);
  Workspace<T> workspace = net.make_workspace(1);
  const Data<T> data(1, 3, 2);
  for (const std::size_t hidden : {9, 4, 9, 2, 7, 9}) {
    const Network<T> other = make(hidden, hidden);
    std::vector<T> expected(2);
    other.predict(data.X, MatrixView<T>(expected.data(), 1, 2));
    std::vector<T> got(2);
    other.predict(data.X, MatrixView<T>(got.data(), 1, 2), workspace);
    EXPECT_EQ(got, expected) << hidden;
    net = other;
    got.assign(2, T(0));
    net.predict(data.X, MatrixView<T>(got.data(), 1, 2), workspace);
    EXPECT_EQ(got, expected) << hidden;
    net.parameters()[0] += T(1);
    net.predict(data.X, MatrixView<T>(got.data(), 1, 2), workspace);
    EXPECT_NE(got, expected) << hidden;
  }
}

TYPED_TEST(NetworkOf, LossAndGradientOfAnyPartition) {
  using T = TypeParam;
  // A weight of zero removes a row.
  Data<T> data(64, 6, 3);
  Network<T> net({.sizes = {6, 20, 3}, .activation = Activation::tanh(), .seed = 2});
  std::vector<T> weights(64, T(0));
  std::fill(weights.begin(), weights.begin() + 32, T(1));
  const double weighted = net.loss_and_gradient(data.X, data.Y, MeanSquaredError{}, weights);
  const auto weighted_gradient = copy_of(net.gradients());
  const double half = net.loss_and_gradient(data.X.middle_rows(0, 32), data.Y.middle_rows(0, 32), MeanSquaredError{});
  EXPECT_DOUBLE_EQ(weighted, half);
  EXPECT_EQ(weighted_gradient, copy_of(net.gradients()));
  EXPECT_DOUBLE_EQ(net.evaluate(data.X.middle_rows(0, 32), data.Y.middle_rows(0, 32), MeanSquaredError{}), half);
}

TYPED_TEST(NetworkOf, AccumulateAddsAndInputGradientIsTheRecursionsNextStep) {
  using T = TypeParam;
  const Data<T> data(20, 6, 3);
  Network<T> net({.sizes = {6, 8, 3}, .activation = Activation::sigmoid(), .seed = 2});
  net.forward(data.X);
  net.backward(data.Y);
  const auto once = copy_of(net.gradients());
  net.backward(data.Y, {}, true);
  for (std::size_t i = 0; i < once.size(); ++i) {
    EXPECT_NEAR(net.gradients()[i], 2 * once[i], 1e-5 * (1 + std::abs(once[i])));
  }
  std::vector<T> input_gradient(20 * 6);
  net.backward(data.Y, MatrixView<T>(input_gradient.data(), 20, 6));
  const auto xi = net.layer(0).xi();
  for (std::size_t r = 0; r < 20; ++r) {
    for (std::size_t m = 0; m < 6; ++m) {
      double sum = 0;
      for (std::size_t k = 0; k < 8; ++k) {
        sum += static_cast<double>(xi(r, k)) * static_cast<double>(net.layer(0).weight(k, m));
      }
      EXPECT_NEAR(input_gradient[r * 6 + m], sum, 1e-5);
    }
  }
}

TYPED_TEST(NetworkOf, FrozenLayersStayAndLrScaleScales) {
  using T = TypeParam;
  const Data<T> data(16, 4, 2);
  Network<T> net({.sizes = {4, 5, 2}, .activation = Activation::tanh(), .seed = 2});
  const auto before = copy_of(net.parameters());
  net.layer(0).set_trainable(false);
  net.layer(1).set_lr_scale(0.5);
  SGD sgd{.lr = 0.1};
  net.train_step(data.X, data.Y, MeanSquaredError{}, sgd);
  const std::size_t first_of_layer_1 = net.spec(1).offset;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const T moved = i < first_of_layer_1 ? T(0) : T(0.05) * net.gradients()[i];
    EXPECT_NEAR(net.parameters()[i], before[i] - moved, 1e-6);
  }
  EXPECT_THROW(net.layer(1).set_lr_scale(-1.0), std::invalid_argument);
}

TYPED_TEST(NetworkOf, BiasLrScaleScalesTheStepOfTheBias) {
  using T = TypeParam;
  const Data<T> data(16, 4, 2);
  Network<T> net({.sizes = {4, 5, 2}, .activation = Activation::tanh(), .seed = 2});
  const auto before = copy_of(net.parameters());
  net.layer(0).set_lr_scale(0.5);
  net.layer(0).set_bias_lr_scale(0.1);
  SGD sgd{.lr = 0.1};
  net.train_step(data.X, data.Y, MeanSquaredError{}, sgd);
  for (std::size_t i = 0; i < before.size(); ++i) {
    const T rate = i < 20 ? T(0.05) : i < 25 ? T(0.005) : T(0.1);  // layer 0: 20 weights, 5 biases
    EXPECT_NEAR(net.parameters()[i], before[i] - rate * net.gradients()[i], 1e-6);
  }
}

TYPED_TEST(NetworkOf, CustomActivationAndLossTrainLikeTheBuiltIn) {
  using T = TypeParam;
  const Data<T> data(40, 4, 2);
  Network<T> built_in({.sizes = {4, 5, 2}, .activation = Activation::tanh(), .seed = 2});
  Network<T> custom({.sizes = {4, 5, 2},
                     .activation = Activation::custom([](double z) { return std::tanh(z); },
                                                      [](double z) { return 1 - std::tanh(z) * std::tanh(z); }),
                     .init = Initializer::from_name("glorot_uniform"),
                     .seed = 2});
  const auto squares = [](auto a, auto y, auto grad) { return evaluate_loss(Loss(MeanSquaredError{}), a, y, grad); };
  CustomLoss loss;
  loss.function_f32 = squares;
  loss.function_f64 = squares;
  SGD a{.lr = 0.1};
  SGD b{.lr = 0.1};
  for (int step = 0; step < 5; ++step) {
    EXPECT_NEAR(built_in.train_step(data.X, data.Y, MeanSquaredError{}, a), custom.train_step(data.X, data.Y, loss, b),
                1e-6);
  }
  EXPECT_NEAR(custom.evaluate(data.X, data.Y, loss), built_in.evaluate(data.X, data.Y, MeanSquaredError{}), 1e-6);
  EXPECT_THROW(custom.train_step(data.X, data.Y, loss, b, data.weights), std::invalid_argument);
}

TYPED_TEST(NetworkOf, AnExceptionFromACustomActivationLeavesParametersAndOptimizer) {
  using T = TypeParam;
  const Data<T> data(40, 4, 2);
  bool armed = false;
  Network<T> net(
      {.sizes = {4, 5, 2},
       .activation = Activation::custom([&](double z) { return armed ? throw std::runtime_error("mine") : z; },
                                        [](double) { return 1.0; }),
       .seed = 2});
  Adam adam;
  net.train_step(data.X, data.Y, MeanSquaredError{}, adam);
  const auto before = copy_of(net.parameters());
  armed = true;
  EXPECT_THROW(net.train_step(data.X, data.Y, MeanSquaredError{}, adam), std::runtime_error);
  EXPECT_EQ(copy_of(net.parameters()), before);
  EXPECT_EQ(adam.state.groups.front().step, 1);
}

TYPED_TEST(NetworkOf, CopiesAreIndependentAndMovesKeep) {
  using T = TypeParam;
  Network<T> net({.sizes = {3, 4, 2}, .seed = 5});
  Network<T> copy = net.copy();
  const auto before = copy_of(net.parameters());
  copy.parameters()[0] = T(42);
  EXPECT_EQ(copy_of(net.parameters()), before);
  const T* const address = net.parameters().data();
  Network<T> moved = std::move(net);
  EXPECT_EQ(moved.parameters().data(), address);
  copy = moved;
  EXPECT_EQ(copy_of(copy.parameters()), before);
}

TYPED_TEST(NetworkOf, ActivationMemoryOutlivesALargerForward) {
  using T = TypeParam;
  const Data<T> data(50, 3, 2);
  Network<T> net({.sizes = {3, 4, 2}, .seed = 5});
  net.forward(data.X.middle_rows(0, 2));
  const auto kept = net.activation_memory();
  const auto z = net.layer(0).z();
  const T value = z(1, 3);
  net.forward(data.X);
  EXPECT_EQ(z(1, 3), value);
  EXPECT_NE(kept, net.activation_memory());
}

template <class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(NetworkErrors, StateBothShapesAndChangeNothing) {
  const Data<float> data(7, 3, 2);
  Network<float> net({.sizes = {3, 4, 2}, .seed = 5});
  const auto before = copy_of(net.parameters());
  Adam adam;
  std::vector<float> out(14);
  EXPECT_THROW(net.backward(data.Y), StateError);
  EXPECT_EQ(message_of([&] { net.forward(data.Y); }), "x has shape (7, 2), expected (B, 3)");
  EXPECT_EQ(message_of([&] { net.predict(data.X, MatrixView<float>(out.data(), 2, 7)); }),
            "out has shape (2, 7), expected (7, 2)");
  EXPECT_EQ(message_of([&] { net.train_step(data.X, data.X, MeanSquaredError{}, adam); }),
            "y has shape (7, 3), expected (7, 2)");
  EXPECT_EQ(message_of([&] { net.train_step(data.X, data.labels, MeanSquaredError{}, adam); }),
            "mse takes targets of shape (7, 2), not class labels");
  const std::vector<std::int64_t> wrong{0, 1, 2, 0, 0, 0, 0};
  EXPECT_EQ(message_of([&] { net.train_step(data.X, wrong, SoftmaxCrossEntropy{}, adam); }),
            "label y[2] = 2 is out of range for 2 outputs (0 to 1)");
  const std::vector<float> few(3, 1.0F);
  EXPECT_EQ(message_of([&] { std::ignore = net.evaluate(data.X, data.Y, MeanSquaredError{}, few); }),
            "sample_weight has 3 entries for 7 rows of x");
  const std::vector<float> negative(7, -1.0F);
  EXPECT_THROW(net.train_step(data.X, data.Y, MeanSquaredError{}, adam, negative), std::invalid_argument);
  EXPECT_THROW(net.train_step(data.X, data.Y, Huber{.delta = -1.0}, adam), std::invalid_argument);
  adam.beta1 = 2.0;
  EXPECT_THROW(net.train_step(data.X, data.Y, MeanSquaredError{}, adam), std::invalid_argument);
  EXPECT_THROW(net.train_step(data.X.middle_rows(0, 0), data.Y.middle_rows(0, 0), MeanSquaredError{}, adam),
               std::invalid_argument);
  EXPECT_THROW((void)net.layer(2), std::out_of_range);
  EXPECT_EQ(copy_of(net.parameters()), before);
  EXPECT_TRUE(adam.state.empty());
}

TEST(NetworkOptionsErrors, ContradictionsAreNamed) {
  const auto error = [](const NetworkOptions& options) { return message_of([&] { Network<float> net(options); }); };
  EXPECT_NE(error({.sizes = {3}}).find("at least"), std::string::npos);
  EXPECT_NE(error({.sizes = {3, 0, 1}}).find("entry 1 is 0"), std::string::npos);
  EXPECT_NE(error({.sizes = {3, 4, 1}, .activation = {Activation::relu()}}).find("list of 2"), std::string::npos);
  EXPECT_NE(error({.sizes = {3, 1}, .activation = {Activation::relu()}, .output = Activation::relu()}).find("output"),
            std::string::npos);
  EXPECT_NE(error({.sizes = {3, 4, 1}, .dropout = 1.0}).find("dropout"), std::string::npos);
  EXPECT_NE(error({.sizes = {3, 1}, .dropout = 1.0}).find("dropout"), std::string::npos);
  EXPECT_NE(error({.sizes = {3, 4, 1}, .bias = {true, false, true}}).find("bias"), std::string::npos);
}

TEST(NetworkZeroRows, AreAcceptedByEveryCall) {
  for (const std::vector<std::size_t>& sizes : {std::vector<std::size_t>{3, 4, 2}, {1500, 300, 40}}) {
    Network<float> net({.sizes = sizes, .seed = 5});
    const ConstMatrixView<float> none(nullptr, 0, sizes.front());
    EXPECT_EQ(net.forward(none).rows(), 0U);
    net.backward(ConstMatrixView<float>(nullptr, 0, sizes.back()));
    for (const float g : net.gradients()) {
      EXPECT_EQ(g, 0.0F);
    }
    net.predict(none, MatrixView<float>(nullptr, 0, sizes.back()));
  }
}

}  // namespace
}  // namespace backpass

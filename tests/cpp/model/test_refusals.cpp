// What losses, activations, initializers and options refuse: the type of the error and the names in its message, for
// both types.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include <backpass/backpass.hpp>

namespace backpass {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// The call throws an E whose message contains `words`.
template <class E>
void expect_error(const std::function<void()>& call, const std::string& words) {
  try {
    call();
    ADD_FAILURE() << "no error that contains \"" << words << '"';
  } catch (const E& error) {
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
  }
}

template <class T>
class Refusals : public testing::Test {
 protected:
  static constexpr std::size_t kRows = 4;
  static constexpr std::size_t kOutputs = 3;
  std::vector<T> a_values = std::vector<T>(kRows * kOutputs, T(0.25));
  std::vector<T> grad_values = std::vector<T>(kRows * kOutputs, T(7));
  ConstMatrixView<T> a{a_values.data(), kRows, kOutputs};
  MatrixView<T> grad{grad_values.data(), kRows, kOutputs};

  double evaluate(const Loss& loss, const Targets<T>& y, std::vector<T> weights = {}) {
    return evaluate_loss<T>(loss, a, y, grad, weights);
  }
  void TearDown() override {
    EXPECT_EQ(grad_values, std::vector<T>(kRows * kOutputs, T(7))) << "a failed call wrote the gradient";
  }
};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Refusals, Types);

TYPED_TEST(Refusals, ParametersOfLosses) {
  for (const double delta : {0.0, -1.0, kInfinity, kNaN}) {
    expect_error<std::invalid_argument>([&] { this->evaluate(Huber{delta}, this->a); }, "huber: delta");
  }
  for (const double q : {0.0, 1.0, -0.5, kNaN}) {
    expect_error<std::invalid_argument>([&] { this->evaluate(Quantile{q}, this->a); }, "quantile: q");
  }
  for (const double smoothing : {-0.1, 1.1, kNaN}) {
    expect_error<std::invalid_argument>([&] { this->evaluate(CrossEntropy{smoothing}, this->a); },
                                        "cross_entropy: label_smoothing");
    expect_error<std::invalid_argument>([&] { this->evaluate(SoftmaxCrossEntropy{smoothing}, this->a); },
                                        "softmax_cross_entropy: label_smoothing");
  }
}

TYPED_TEST(Refusals, Targets) {
  using T = TypeParam;
  const std::vector<std::int64_t> labels{0, 1, 2, 0};
  for (const std::string& name : loss_names()) {
    const Loss loss = loss_from_name(name);
    if (!loss_traits(loss).takes_labels()) {
      expect_error<std::invalid_argument>([&] { this->evaluate(loss, labels); },
                                          name + " takes targets of shape (4, 3)");
    }
  }
  for (const std::int64_t wrong : {std::int64_t{-1}, std::int64_t{3}, std::numeric_limits<std::int64_t>::min()}) {
    const std::vector<std::int64_t> one_wrong{0, 1, wrong, 0};
    expect_error<std::invalid_argument>([&] { this->evaluate(CrossEntropy{}, one_wrong); },
                                        "y[2] = " + std::to_string(wrong));
  }
  expect_error<ShapeError>([&] { this->evaluate(CrossEntropy{}, std::vector<std::int32_t>{0, 1, 2}); },
                           "3 labels for 4 rows");
  expect_error<ShapeError>([&] { this->evaluate(MeanSquaredError{}, this->a.middle_rows(0, 3)); }, "(3, 3)");
  expect_error<ShapeError>([&] { this->evaluate(MeanSquaredError{}, this->a.middle_cols(0, 2)); }, "(4, 2)");
  expect_error<std::invalid_argument>(
      [&] { (void)evaluate_loss<T>(MeanSquaredError{}, ConstMatrixView<T>{}, ConstMatrixView<T>{}); }, "no rows");
}

TYPED_TEST(Refusals, Weights) {
  using T = TypeParam;
  for (const double wrong : {-1.0, kNaN, kInfinity}) {
    expect_error<std::invalid_argument>(
        [&] { this->evaluate(MeanSquaredError{}, this->a, {T(1), static_cast<T>(wrong), T(1), T(1)}); },
        "sample_weight: weights must be finite and not negative");
  }
  expect_error<std::invalid_argument>([&] { this->evaluate(MeanSquaredError{}, this->a, std::vector<T>(4, T(0))); },
                                      "all weights are zero");
  expect_error<ShapeError>([&] { this->evaluate(MeanSquaredError{}, this->a, std::vector<T>(3, T(1))); },
                           "sample_weight has 3 entries for 4 rows");
  CustomLoss custom;
  custom.function_f32 = [](auto, auto, auto) { return 0.0; };
  custom.function_f64 = [](auto, auto, auto) { return 0.0; };
  expect_error<std::invalid_argument>([&] { this->evaluate(custom, this->a, std::vector<T>(4, T(1))); },
                                      "not supported with a custom loss");
}

TYPED_TEST(Refusals, PlacesForGradients) {
  using T = TypeParam;
  for (const MatrixView<T> wrong : {this->grad.middle_rows(0, 3), this->grad.middle_cols(0, 2)}) {
    expect_error<ShapeError>([&] { (void)evaluate_loss<T>(MeanSquaredError{}, this->a, this->a, wrong); },
                             "expected (4, 3)");
  }
}

TYPED_TEST(Refusals, ShapesOfActivations) {
  for (const auto& z : {this->a.middle_rows(0, 3), this->a.middle_cols(0, 2)}) {
    expect_error<ShapeError>([&] { Activation::relu().apply(z, this->grad); }, "a has shape (4, 3)");
  }
}

/// Without a gradient argument, a custom loss gets a temporary gradient.
TEST(EvaluateLoss, OfACustomLossAlone) {
  CustomLoss custom;
  custom.function_f64 = [](ConstMatrixView<double> a, const Targets<double>&, MatrixView<double> grad) {
    EXPECT_EQ(grad.rows(), a.rows());
    grad(grad.rows() - 1, grad.cols() - 1) = 3.0;
    return 5.0;
  };
  const std::vector<double> values(6, 1.0);
  const ConstMatrixView<double> a(values.data(), 2, 3);
  EXPECT_EQ(evaluate_loss<double>(custom, a, a), 5.0);
  std::vector<double> place(6, 0.0);
  EXPECT_EQ(evaluate_loss<double>(custom, a, a, MatrixView<double>(place.data(), 2, 3)), 5.0);
  EXPECT_EQ(place.back(), 3.0);
}

TEST(Names, ComeBackAndUnknownOnesAreAnErrorThatListsTheKnown) {
  for (const std::string& name : loss_names()) {
    EXPECT_EQ(loss_name(loss_from_name(name)), name);
  }
  EXPECT_EQ(loss_name(CustomLoss{}), "custom");
  for (const std::string_view name : Activation::names()) {
    EXPECT_EQ(Activation::from_name(name).name(), name);
  }
  for (const char* name : {"auto", "he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "lecun_normal",
                           "lecun_uniform", "zeros", "constant", "normal", "uniform", "orthogonal"}) {
    EXPECT_EQ(Initializer::from_name(name).name(), name);
  }
  expect_error<std::invalid_argument>([] { (void)loss_from_name("custom"); }, "mse, mae, huber");
  expect_error<std::invalid_argument>([] { (void)Activation::from_name("custom"); }, "identity, relu, relu6");
  expect_error<std::invalid_argument>([] { (void)Initializer::from_name("he"); }, "auto, he_normal");
}

TEST(Activations, RefuseParameters) {
  expect_error<std::invalid_argument>([] { (void)Activation::from_name("relu", 1.0); }, "relu takes no parameter");
  for (const double wrong : {kInfinity, -kInfinity, kNaN}) {
    expect_error<std::invalid_argument>([&] { (void)Activation::elu(wrong); }, "elu: ");
    expect_error<std::invalid_argument>([&] { (void)Activation::leaky_relu(wrong); }, "leaky_relu: ");
  }
  expect_error<std::invalid_argument>([] { (void)Activation::celu(0.0); }, "celu: ");
  EXPECT_EQ(Activation::elu(0.0).parameter(), 0.0);
  EXPECT_FALSE(Activation::relu().has_parameter());
}

TEST(Activations, CustomOnesNeedBothFunctions) {
  const auto f32 = [](ConstMatrixView<float>, MatrixView<float>) {};
  const auto f64 = [](ConstMatrixView<double>, MatrixView<double>) {};
  const CustomActivation whole{f32, f32, f64, f64};
  EXPECT_EQ(Activation::custom(whole).kind(), ActivationKind::custom);
  EXPECT_EQ(Activation::custom(whole).name(), "custom");
  for (const CustomActivation& part :
       {CustomActivation{nullptr, f32, f64, f64}, CustomActivation{f32, nullptr, f64, f64},
        CustomActivation{f32, f32, nullptr, f64}, CustomActivation{f32, f32, f64, nullptr}}) {
    expect_error<std::invalid_argument>([&] { (void)Activation::custom(part); }, "for float and for double");
  }
  const std::function<double(double)> scalar = [](double z) { return z; };
  expect_error<std::invalid_argument>([&] { (void)Activation::custom(nullptr, scalar); }, "a function and its");
  expect_error<std::invalid_argument>([&] { (void)Activation::custom(scalar, nullptr); }, "a function and its");
}

TEST(Initializers, RefuseParametersThatAreNotFinite) {
  std::vector<double> w(6);
  for (const double wrong : {kInfinity, kNaN}) {
    for (const Initializer& init : {Initializer::constant(wrong), Initializer::normal(wrong),
                                    Initializer::uniform(wrong), Initializer::orthogonal(wrong)}) {
      expect_error<std::invalid_argument>(
          [&] { initialize(init, Activation::relu(), MatrixView<double>(w.data(), 2, 3), Philox(1)); },
          std::string(init.name()) + ": the parameter must be finite");
    }
  }
}

/// The variances of He, Glorot and LeCun from the papers, and the initializer that `auto` means.
TEST(Initializers, HaveTheirVariances) {
  constexpr std::size_t kIn = 300;
  constexpr std::size_t kOut = 200;
  constexpr double kHe = 2.0 / kIn;
  constexpr double kGlorot = 2.0 / (kIn + kOut);
  constexpr double kLeCun = 1.0 / kIn;
  struct Case {
    const char* name;
    const char* activation;
    double variance;
    std::size_t num_layers = 1;
  };
  const Case cases[] = {{"he_normal", "tanh", kHe},
                        {"he_uniform", "tanh", kHe},
                        {"glorot_normal", "relu", kGlorot},
                        {"glorot_uniform", "relu", kGlorot},
                        {"lecun_normal", "relu", kLeCun},
                        {"lecun_uniform", "relu", kLeCun},
                        {"auto", "relu", kHe, 11},
                        {"auto", "relu6", kHe, 11},
                        {"auto", "leaky_relu", kHe, 11},
                        {"auto", "elu", kHe, 11},
                        {"auto", "celu", kHe, 11},
                        {"auto", "gelu", kHe, 11},
                        {"auto", "gelu_tanh", kHe, 11},
                        {"auto", "silu", kHe, 11},
                        {"auto", "mish", kHe, 11},
                        {"auto", "softplus", kHe, 11},
                        {"auto", "hard_swish", kHe, 11},
                        {"auto", "relu", kGlorot, 1},
                        {"auto", "relu", kGlorot, 10},
                        {"auto", "softplus", kGlorot, 10},
                        {"auto", "selu", kLeCun, 10},
                        {"auto", "selu", kLeCun, 11},
                        {"auto", "tanh", kGlorot, 11},
                        {"auto", "sigmoid", kGlorot, 11},
                        {"auto", "softmax", kGlorot, 11},
                        {"auto", "identity", kGlorot, 11},
                        {"zeros", "relu", 0.0},
                        {"normal", "relu", 1e-4},
                        {"uniform", "relu", 0.05 * 0.05 / 3}};
  for (const Case& c : cases) {
    std::vector<float> w(kIn * kOut, 1.0F);
    initialize(Initializer::from_name(c.name), Activation::from_name(c.activation),
               MatrixView<float>(w.data(), kIn, kOut), Philox(5), c.num_layers);
    double sum = 0.0;
    double squares = 0.0;
    for (const float v : w) {
      sum += static_cast<double>(v);
      squares += static_cast<double>(v) * static_cast<double>(v);
    }
    const auto n = static_cast<double>(w.size());
    // Five standard deviations of the mean of n squares. The variance of a square is at most twice the square of its
    // mean.
    EXPECT_NEAR(squares / n, c.variance, 5.0 * std::sqrt(2.0 / n) * c.variance)
        << c.name << " for " << c.activation << ", layers: " << c.num_layers;
    EXPECT_NEAR(sum / n, 0.0, 5.0 * std::sqrt(c.variance / n))
        << c.name << " for " << c.activation << ", layers: " << c.num_layers;
  }
}

TYPED_TEST(Refusals, OptionsOfNetworks) {
  using T = TypeParam;
  const auto refused = [](const NetworkOptions& options, const std::string& words) {
    expect_error<std::invalid_argument>([&] { const Network<T> net(options); }, words);
  };
  refused({.sizes = {}}, "got 0 entries");
  refused({.sizes = {3}}, "got 1 entry");
  refused({.sizes = {3, 0, 2}}, "entry 1 is 0");
  refused({.sizes = {0, 2}}, "entry 0 is 0");
  refused({.sizes = {3, 2}, .activation = {Activation::relu(), Activation::relu()}}, "activation: expected one value");
  refused({.sizes = {3, 2}, .bias = {true, false}}, "bias: ");
  refused({.sizes = {3, 2, 1}, .dropout = {0.1, 0.2}}, "dropout: ");
  refused({.sizes = {3, 2}, .init = {Initializer{}, Initializer{}}}, "init: ");
  refused({.sizes = {3, 2, 1}, .dropout = 1.0}, "it must be in [0, 1)");
  refused({.sizes = {3, 2, 1}, .dropout = -0.1}, "it must be in [0, 1)");
  refused({.sizes = {3, 2, 1}, .dropout = kNaN}, "it must be in [0, 1)");
  refused({.sizes = {3, 2}, .activation = {Activation::relu()}, .output = Activation::relu()}, "output: ");
  for (const std::vector<std::size_t>& sizes :
       {std::vector<std::size_t>{std::size_t{1} << 60, std::size_t{1} << 60},
        std::vector<std::size_t>{1, std::size_t{1} << 57, 1, std::size_t{1} << 57}}) {
    EXPECT_THROW(const Network<T> net({.sizes = sizes}), std::bad_alloc);
  }
}

TYPED_TEST(Refusals, OptionsOfGradients) {
  using T = TypeParam;
  Network<T> net({.sizes = {3, 2}, .seed = 0});
  SGD sgd;
  const std::vector<T> before(net.parameters().begin(), net.parameters().end());
  for (const double wrong : {-1.0, kInfinity, kNaN}) {
    for (const auto& wrong_option : {std::pair{GradientOptions{.l1 = wrong}, "l1"},
                                     {GradientOptions{.l2 = wrong}, "l2"},
                                     {GradientOptions{.clip_norm = wrong}, "clip_norm"},
                                     {GradientOptions{.clip_value = wrong}, "clip_value"}}) {
      expect_error<std::invalid_argument>([&] { net.step(sgd, wrong_option.first); }, wrong_option.second);
    }
    expect_error<std::invalid_argument>([&] { net.layer(0).set_lr_scale(wrong); }, "lr_scale");
    expect_error<std::invalid_argument>([&] { net.layer(0).set_bias_lr_scale(wrong); }, "bias_lr_scale");
  }
  EXPECT_EQ(before, std::vector<T>(net.parameters().begin(), net.parameters().end()));
}

TYPED_TEST(Refusals, WorkspacesOfSmallerNetworks) {
  using T = TypeParam;
  const Network<T> small({.sizes = {3, 2}, .seed = 0});
  const Network<T> large({.sizes = {3, 400, 2}, .seed = 0});
  Workspace<T> workspace = small.make_workspace(4);
  EXPECT_EQ(workspace.max_batch(), 4U);
  std::vector<T> out(8);
  expect_error<ShapeError>([&] { large.predict(this->a, MatrixView<T>(out.data(), 4, 2), workspace); },
                           "smaller network");
}

}  // namespace
}  // namespace backpass

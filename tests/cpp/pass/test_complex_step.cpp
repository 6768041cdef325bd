// Compares gradients of Network<double> with complex-step derivatives of a scalar network (scalar_network.hpp).
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include <backpass/backpass.hpp>

#include "definitions/losses.hpp"
#include "pass/scalar_network.hpp"

namespace {

using backpass::Activation;
using backpass::ConstMatrixView;
using backpass::Loss;
using backpass::MatrixView;
using backpass::Network;
using Complex = std::complex<double>;

constexpr double kStep = 1e-100;
constexpr std::size_t kRows = 5;

struct Case {
  std::string hidden;
  std::string output;
  Loss loss;
  double loss_parameter = 0.0;
  bool positive_targets = false;  ///< in (0, 1), rows sum to one: valid for every loss of probabilities

  [[nodiscard]] std::string name() const {
    return hidden + "_" + output + "_" + std::string(backpass::loss_name(loss));
  }
  friend void PrintTo(const Case& c, std::ostream* os) { *os << c.name(); }
};

/// Numbers in (−1, 1), independent of the library's generator.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed * 2654435761u + 1) {}
  double next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(state_ >> 11) / 4503599627370496.0 - 1.0;
  }

 private:
  std::uint64_t state_;
};

struct Problem {
  Network<double> network;
  std::vector<double> x, y, weight;
  std::size_t inputs, outputs;

  explicit Problem(const Case& c)
      : network({.sizes = {4, 7, 6, 3},
                 .activation = std::vector{Activation::from_name(c.hidden), Activation::from_name(c.hidden),
                                           Activation::from_name(c.output)},
                 .bias = std::vector{true, false, true},
                 .seed = 1}),
        inputs(4),
        outputs(3) {
    Numbers numbers(7);
    for (double& p : network.parameters()) p = 0.8 * numbers.next();
    for (std::size_t i = 0; i < kRows * inputs; ++i) x.push_back(1.5 * numbers.next());
    for (std::size_t r = 0; r < kRows; ++r) {
      double sum = 0.0;
      for (std::size_t n = 0; n < outputs; ++n) {
        y.push_back(c.positive_targets ? 0.55 + 0.5 * numbers.next() : 2.0 * numbers.next());
        sum += y.back();
      }
      if (c.positive_targets) {
        for (std::size_t n = 0; n < outputs; ++n) y[r * outputs + n] /= sum;
      }
      weight.push_back(1.2 + numbers.next());
    }
  }

  [[nodiscard]] ConstMatrixView<double> x_view() const { return {x.data(), kRows, inputs}; }
  [[nodiscard]] ConstMatrixView<double> y_view() const { return {y.data(), kRows, outputs}; }
};

std::vector<definitions::Layer<Complex>> complexified(Network<double>& network) {
  std::vector<definitions::Layer<Complex>> layers;
  for (std::size_t i = 0; i < network.num_layers(); ++i) {
    const auto layer = network.layer(i);
    const auto& spec = layer.spec();
    definitions::Layer<Complex> copy;
    copy.activation = spec.activation.name();
    copy.parameter = spec.activation.parameter();
    copy.weight.assign(spec.outputs, std::vector<Complex>(spec.inputs));
    for (std::size_t k = 0; k < spec.outputs; ++k) {
      for (std::size_t j = 0; j < spec.inputs; ++j) copy.weight[k][j] = layer.weight(k, j);
    }
    copy.bias.assign(layer.bias().begin(), layer.bias().end());
    layers.push_back(copy);
  }
  return layers;
}

/// The weighted mean cost of the batch. If row < kRows, the input of sample `row` is moved by i·kStep in column
/// `column`.
Complex batch_cost(const Case& c, const Problem& p, const std::vector<definitions::Layer<Complex>>& layers,
                   std::size_t row = kRows, std::size_t column = 0) {
  Complex sum = 0.0;
  double total = 0.0;
  for (std::size_t r = 0; r < kRows; ++r) {
    const auto first = static_cast<std::ptrdiff_t>(r);
    std::vector<Complex> a(p.x.begin() + first * 4, p.x.begin() + (first + 1) * 4);
    if (r == row) a[column] += Complex(0.0, kStep);
    const std::vector<double> y(p.y.begin() + first * 3, p.y.begin() + (first + 1) * 3);
    sum += p.weight[r] * definitions::sample_loss(backpass::loss_name(c.loss), c.loss_parameter,
                                                  definitions::forward(layers, a), y, c.output == "log_softmax");
    total += p.weight[r];
  }
  return sum / total;
}

/// All ∂E/∂w^i_kj and ∂E/∂b^i_k, then all ∂E/∂a^0, by complex step and from the network.
struct Gradients {
  std::vector<double> expected, actual;
  double size = 0.0;  ///< largest expected

  void add(double e, double a) {
    expected.push_back(e);
    actual.push_back(a);
    size = std::max(size, std::abs(e));
  }
};

Gradients gradients(const Case& c, Problem& p, const std::vector<double>& input_gradient) {
  Gradients g;
  auto layers = complexified(p.network);
  const auto derivative = [&](Complex& parameter) {
    const Complex kept = parameter;
    parameter += Complex(0.0, kStep);
    const double slope = batch_cost(c, p, layers).imag() / kStep;
    parameter = kept;
    return slope;
  };
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto layer = p.network.layer(i);
    for (std::size_t k = 0; k < layers[i].weight.size(); ++k) {
      for (std::size_t j = 0; j < layers[i].weight[k].size(); ++j) {
        g.add(derivative(layers[i].weight[k][j]), layer.weight_grad_transposed()(j, k));
      }
    }
    for (std::size_t k = 0; k < layers[i].bias.size(); ++k) {
      g.add(derivative(layers[i].bias[k]), layer.bias_grad()[k]);
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t j = 0; j < p.inputs; ++j) {
      g.add(batch_cost(c, p, layers, r, j).imag() / kStep, input_gradient[r * p.inputs + j]);
    }
  }
  return g;
}

class ComplexStep : public testing::TestWithParam<Case> {};

// Sums of tens of products of order one: a few hundred roundings of 1.1e-16 in each of the two computations.
constexpr double kTolerance = 1e-13;

TEST_P(ComplexStep, LossAndGradient) {
  const Case& c = GetParam();
  Problem p(c);
  std::vector<double> input_gradient(p.x.size());
  const double value = p.network.loss_and_gradient(p.x_view(), p.y_view(), c.loss, p.weight,
                                                   MatrixView<double>(input_gradient.data(), kRows, p.inputs));
  const double expected = batch_cost(c, p, complexified(p.network)).real();
  EXPECT_NEAR(value, expected, kTolerance * std::max(1.0, std::abs(expected)));
  const Gradients g = gradients(c, p, input_gradient);
  ASSERT_GT(g.size, 1e-3);
  for (std::size_t i = 0; i < g.expected.size(); ++i) {
    ASSERT_NEAR(g.actual[i], g.expected[i], kTolerance * std::max(1.0, g.size)) << "element " << i;
  }
}

TEST_P(ComplexStep, ForwardThenBackward) {
  const Case& c = GetParam();
  if (c.output == "log_softmax" && backpass::loss_name(c.loss) == "cross_entropy") {
    return;  // evaluate_loss by itself takes probabilities, not logarithms
  }
  Problem p(c);
  const auto a = p.network.forward(p.x_view());
  std::vector<double> grad(kRows * p.outputs);
  backpass::evaluate_loss<double>(c.loss, a, p.y_view(), MatrixView<double>(grad.data(), kRows, p.outputs), p.weight);
  std::vector<double> input_gradient(p.x.size());
  p.network.backward(ConstMatrixView<double>(grad.data(), kRows, p.outputs),
                     MatrixView<double>(input_gradient.data(), kRows, p.inputs));
  const Gradients g = gradients(c, p, input_gradient);
  for (std::size_t i = 0; i < g.expected.size(); ++i) {
    ASSERT_NEAR(g.actual[i], g.expected[i], kTolerance * std::max(1.0, g.size)) << "element " << i;
  }
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::string_view name : Activation::names()) {
    all.push_back({std::string(name), "identity", backpass::MeanSquaredError{}});
    all.push_back({"tanh", std::string(name), backpass::LogCosh{}});
  }
  for (const char* output : {"identity", "tanh"}) {
    all.push_back({"silu", output, backpass::MeanAbsoluteError{}});
    all.push_back({"silu", output, backpass::Huber{.delta = 0.7}, 0.7});
    all.push_back({"silu", output, backpass::Quantile{.q = 0.3}, 0.3});
    all.push_back({"silu", output, backpass::SigmoidCrossEntropy{}, 0.0, true});
    all.push_back({"silu", output, backpass::SoftmaxCrossEntropy{.label_smoothing = 0.2}, 0.2, true});
  }
  for (const char* output : {"softmax", "log_softmax"}) {
    all.push_back({"mish", output, backpass::CrossEntropy{.label_smoothing = 0.1}, 0.1, true});
  }
  for (const char* output : {"sigmoid", "softmax"}) {
    all.push_back({"gelu", output, backpass::BinaryCrossEntropy{}, 0.0, true});
  }
  for (const char* output : {"exp", "softplus", "sigmoid"}) {
    all.push_back({"softsign", output, backpass::Poisson{}, 0.0, true});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(EveryActivationAndLoss, ComplexStep, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name(); });

}  // namespace

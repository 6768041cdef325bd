// Penalties and clipping before a step, compared with their definitions. Frozen layers are excluded.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <backpass/backpass.hpp>

namespace backpass {
namespace {

/// 40-120-50-3 with gradients and parameters of several magnitudes; layer 1 (0-based) may be frozen.
Network<double> make(bool frozen) {
  Network<double> net({.sizes = {40, 120, 50, 3}, .activation = Activation::tanh(), .seed = 3});
  net.layer(1).set_trainable(!frozen);
  for (std::size_t i = 0; i < net.num_parameters(); ++i) {
    const auto k = static_cast<double>(i);
    net.gradients()[i] = 0.01 * std::sin(0.7 * k) + (i % 97 == 0 ? 0.5 : 0.0);
    net.parameters()[i] = i % 11 == 0 ? 0.0 : std::cos(1.3 * k);
  }
  return net;
}

/// The parameters after one step of SGD with lr = 1, from the definition.
std::vector<double> expected_after_step(Network<double> net, const GradientOptions& o) {
  std::vector<double> g(net.gradients().begin(), net.gradients().end());
  double squares = 0.0;
  for (std::size_t layer = 0; layer < net.num_layers(); ++layer) {
    const LayerSpec& spec = net.spec(layer);
    for (std::size_t i = spec.offset; spec.trainable && i < spec.offset + spec.num_parameters(); ++i) {
      const double w = net.parameters()[i];
      if (i < spec.offset + spec.num_weights()) {
        g[i] += o.l1 * (w > 0.0 ? 1.0 : (w < 0.0 ? -1.0 : 0.0)) + o.l2 * w;
      }
      squares += g[i] * g[i];
    }
  }
  const double norm = std::sqrt(squares);
  std::vector<double> after(net.parameters().begin(), net.parameters().end());
  for (std::size_t layer = 0; layer < net.num_layers(); ++layer) {
    const LayerSpec& spec = net.spec(layer);
    for (std::size_t i = spec.offset; spec.trainable && i < spec.offset + spec.num_parameters(); ++i) {
      // PyTorch's clip_grad_norm_ divides by the norm plus 1e-6.
      double change = o.clip_norm > 0.0 ? g[i] * std::min(1.0, o.clip_norm / (norm + 1e-6)) : g[i];
      if (o.clip_value > 0.0) {
        change = std::clamp(change, -o.clip_value, o.clip_value);
      }
      after[i] -= change;
    }
  }
  return after;
}

TEST(GradientOptions, AreTheirDefinitionsAndLeaveFrozenLayersOut) {
  for (const GradientOptions& options :
       {GradientOptions{.l1 = 0.25}, GradientOptions{.l2 = 0.25}, GradientOptions{.clip_norm = 0.5},
        GradientOptions{.clip_norm = 1e6}, GradientOptions{.clip_value = 0.02},
        GradientOptions{.l1 = 0.125, .l2 = 0.5, .clip_norm = 2.0, .clip_value = 0.03}, GradientOptions{}}) {
    for (const bool frozen : {false, true}) {
      for (const int threads : {1, 3}) {
        set_num_threads(threads);
        Network<double> net = make(frozen);
        const std::vector<double> expected = expected_after_step(net, options);
        SGD sgd{.lr = 1.0};
        net.step(sgd, options);
        for (std::size_t i = 0; i < expected.size(); ++i) {
          ASSERT_NEAR(net.parameters()[i], expected[i], 1e-13) << i << ", frozen: " << frozen;
        }
      }
    }
  }
}

/// If the norm included the frozen layer, clip_norm would change the gradient.
TEST(GradientOptions, AFrozenLayersGradientDoesNotCountInTheNorm) {
  Network<double> net({.sizes = {1, 1, 1}, .bias = false, .seed = 0});
  net.layer(0).set_trainable(false);
  net.parameters()[0] = net.parameters()[1] = 2.0;
  net.gradients()[0] = 1e6;
  net.gradients()[1] = 0.5;
  SGD sgd{.lr = 1.0};
  net.step(sgd, {.clip_norm = 1.0});
  EXPECT_EQ(net.parameters()[0], 2.0);
  EXPECT_EQ(net.parameters()[1], 1.5);
}

/// The factor on the gradients is below the smallest normal number, so it is applied as two factors.
TEST(GradientOptions, AFactorBelowTheNormalNumbersReachesAllGradients) {
  constexpr double kClip = 1e-120;
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    Network<double> net = make(false);
    long double squares = 0.0L;
    std::vector<long double> before;
    for (double& g : net.gradients()) {
      g *= 1e200;
      before.push_back(g);
      squares += before.back() * before.back();
    }
    SGD sgd{.lr = 0.0};
    net.step(sgd, {.clip_norm = kClip});
    for (std::size_t i = 0; i < before.size(); ++i) {
      const auto expected = static_cast<double>(before[i] * (kClip / std::sqrt(squares)));
      ASSERT_NEAR(net.gradients()[i], expected, 1e-13 * std::fabs(expected)) << i << ", " << threads << " threads";
    }
  }
}

}  // namespace
}  // namespace backpass

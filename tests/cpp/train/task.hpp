/// A small regression task, and a network for it.
#pragma once

#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <backpass/network.hpp>
#include <backpass/trainer.hpp>

namespace backpass {

/// y = sin of a projection of x, which the network can learn.
struct Task {
  explicit Task(std::size_t rows) : x(rows * 3), y(rows) {
    std::mt19937 generator(1);
    std::normal_distribution<double> normal;
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t m = 0; m < 3; ++m) {
        x[r * 3 + m] = normal(generator);
      }
      y[r] = std::sin(x[r * 3] - 0.5 * x[r * 3 + 1]);
    }
    X = {x.data(), rows, 3};
    Y = {y.data(), rows, 1};
  }
  std::vector<double> x, y;
  ConstMatrixView<double> X, Y;
};

inline Network<double> make_network() {
  return Network<double>({.sizes = {3, 16, 1}, .activation = Activation::tanh(), .seed = 4});
}

inline std::vector<double> parameters_of(Network<double>& net) {
  return {net.parameters().begin(), net.parameters().end()};
}

/// Everything but the times.
inline void expect_same(const History& a, const History& b) {
  ASSERT_EQ(a.series.size(), b.series.size());
  for (std::size_t i = 0; i < a.series.size(); ++i) {
    EXPECT_EQ(a.series[i].first, b.series[i].first);
    if (a.series[i].first != "seconds") {
      EXPECT_EQ(a.series[i].second, b.series[i].second) << a.series[i].first;
    }
  }
  EXPECT_EQ(a.epochs, b.epochs);
  EXPECT_EQ(a.best_epoch, b.best_epoch);
  EXPECT_EQ(a.stopped_early, b.stopped_early);
  EXPECT_EQ(a.restored_best, b.restored_best);
}

}  // namespace backpass

/// A small regression task, and a network for it.
#pragma once

#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include <backpass/network.hpp>

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

}  // namespace backpass

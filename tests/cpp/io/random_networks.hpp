/// Networks of every kind with random settings and numbers, and bitwise comparison.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <backpass/network.hpp>

#include "io/random_settings.hpp"

namespace backpass::test {

/// Any activation that can be saved, with a random parameter if it has one.
inline Activation random_activation(Random& random) {
  const auto names = Activation::names();
  const Activation plain = Activation::from_name(names[random() % names.size()]);
  return plain.has_parameter() ? Activation::from_name(plain.name(), in(random, 0.1, 2.0)) : plain;
}

template <class T>
Network<T> random_network(Random& random, std::vector<std::size_t> sizes) {
  const std::size_t num_layers = sizes.size() - 1;
  std::vector<Activation> activations;
  std::vector<bool> biases;
  std::vector<double> dropouts;
  for (std::size_t i = 0; i < num_layers; ++i) {
    activations.push_back(random_activation(random));
    biases.push_back(coin(random));
    dropouts.push_back(coin(random) ? 0.0 : in(random, 0.01, 0.6));
  }
  dropouts.pop_back();
  Network<T> network({.sizes = std::move(sizes),
                      .activation = std::move(activations),
                      .bias = std::move(biases),
                      .dropout = std::move(dropouts),
                      .init = coin(random) ? Initializer::normal(in(random, 0.1, 0.5)) : Initializer{},
                      .seed = random()});
  for (std::size_t i = 0; i < num_layers; ++i) {
    network.layer(i).set_trainable(random() % 4 != 0);
    network.layer(i).set_lr_scale(coin(random) ? 1.0 : in(random, 0.0, 3.0));
    network.layer(i).set_bias_lr_scale(coin(random) ? 1.0 : in(random, 0.0, 3.0));
  }
  for (T& parameter : network.parameters()) {
    parameter += static_cast<T>(in(random, -0.1, 0.1));  // biases start at zero
  }
  return network;
}

template <class T>
Network<T> random_network(Random& random) {
  std::vector<std::size_t> sizes(2 + random() % 5);
  for (std::size_t& size : sizes) {
    size = 1 + random() % 20;
  }
  return random_network<T>(random, std::move(sizes));
}

template <class T>
bool same_bits(std::span<const T> a, std::span<const T> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

/// Returns "" or a description of the difference.
template <class T>
std::string difference(const Network<T>& a, const Network<T>& b) {
  if (a.num_layers() != b.num_layers()) {
    return "number of layers";
  }
  for (std::size_t i = 0; i < a.num_layers(); ++i) {
    const LayerSpec& p = a.spec(i);
    const LayerSpec& q = b.spec(i);
    const std::string layer = "layer " + std::to_string(i) + ": ";
    if (p.inputs != q.inputs || p.outputs != q.outputs || p.bias != q.bias || p.offset != q.offset) {
      return layer + "shape";
    }
    if (!(p.activation == q.activation)) {
      return layer + "activation";
    }
    if (!same(p.dropout, q.dropout) || !same(p.lr_scale, q.lr_scale) || !same(p.bias_lr_scale, q.bias_lr_scale) ||
        p.trainable != q.trainable) {
      return layer + "settings";
    }
  }
  if (a.dropout_state().seed != b.dropout_state().seed || a.dropout_state().pass != b.dropout_state().pass) {
    return "dropout state";
  }
  return same_bits(a.parameters(), b.parameters()) ? "" : "parameters";
}

/// Inputs or targets in (0, 1).
template <class T>
std::vector<T> random_values(Random& random, std::size_t count) {
  std::vector<T> values(count);
  for (T& value : values) {
    value = static_cast<T>(in(random, 0.05, 0.95));
  }
  return values;
}

/// Trains `steps` steps on one batch of two rows. The batch depends only on the seed.
template <class T>
void train(Network<T>& network, OptimizerRef optimizer, int steps, std::uint64_t seed) {
  Random random(seed);
  const std::vector<T> x = random_values<T>(random, 2 * network.sizes().front());
  const std::vector<T> y = random_values<T>(random, 2 * network.sizes().back());
  for (int i = 0; i < steps; ++i) {
    network.train_step({x.data(), 2, network.sizes().front()}, ConstMatrixView<T>(y.data(), 2, network.sizes().back()),
                       MeanSquaredError{}, optimizer);
  }
}

}  // namespace backpass::test

/// A fully connected network for one sample, computed scalar by scalar, for a number type S of definitions/numbers.hpp.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "definitions/activations.hpp"

namespace definitions {

template <class S>
struct Layer {
  std::vector<std::vector<S>> weight;  ///< w_kj
  std::vector<S> bias;                 ///< empty: no bias
  std::string activation;
  double parameter = 0.0;
};

/// z_k = Σ_j w_kj a_j + b_k, a_k = φ(z_k), layer by layer.
template <class S>
std::vector<S> forward(const std::vector<Layer<S>>& layers, std::vector<S> a) {
  using std::exp;
  for (const Layer<S>& layer : layers) {
    std::vector<S> z;
    for (std::size_t k = 0; k < layer.weight.size(); ++k) {
      S sum = layer.bias.empty() ? S(0.0) : layer.bias[k];
      for (std::size_t j = 0; j < a.size(); ++j) sum += layer.weight[k][j] * a[j];
      z.push_back(sum);
    }
    if (layer.activation == "softmax" || layer.activation == "log_softmax") {
      a = log_softmax(z);
      if (layer.activation == "softmax") {
        for (S& v : a) v = exp(v);
      }
    } else {
      a.clear();
      for (const S& v : z) a.push_back(activation(layer.activation, layer.parameter, v));
    }
  }
  return a;
}

}  // namespace definitions

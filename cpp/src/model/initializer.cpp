#include <backpass/initializer.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/floating_point_mode.hpp"
#include "base/text.hpp"
#include "runtime/interrupt.hpp"

namespace backpass {
namespace {

constexpr std::array<std::pair<std::string_view, Initializer>, 12> kNamed{{
    {"auto", {InitializerKind::automatic, 0.0}},
    {"he_normal", {InitializerKind::he_normal, 0.0}},
    {"he_uniform", {InitializerKind::he_uniform, 0.0}},
    {"glorot_normal", {InitializerKind::glorot_normal, 0.0}},
    {"glorot_uniform", {InitializerKind::glorot_uniform, 0.0}},
    {"lecun_normal", {InitializerKind::lecun_normal, 0.0}},
    {"lecun_uniform", {InitializerKind::lecun_uniform, 0.0}},
    {"zeros", {InitializerKind::zeros, 0.0}},
    {"constant", {InitializerKind::constant, 0.0}},
    {"normal", {InitializerKind::normal, 0.01}},
    {"uniform", {InitializerKind::uniform, 0.05}},
    {"orthogonal", {InitializerKind::orthogonal, 1.0}},
}};

/// He keeps the variance of activations of the relu family from layer to layer, which deep networks need. In networks
/// of up to this number of layers, the smaller weights of Glorot give a smaller test error (docs/initial_weights.md).
constexpr std::size_t kMostLayersOfGlorot = 10;

InitializerKind resolve(InitializerKind kind, ActivationKind activation, std::size_t num_layers) noexcept {
  if (kind != InitializerKind::automatic) {
    return kind;
  }
#define BACKPASS_INIT(name, Class, source, init, ...) InitializerKind::init,
  constexpr InitializerKind kInits[] = {BACKPASS_ACTIVATIONS(BACKPASS_INIT, BACKPASS_INIT)
                                            InitializerKind::glorot_uniform};
#undef BACKPASS_INIT
  const InitializerKind init = kInits[static_cast<std::size_t>(activation)];
  return init == InitializerKind::he_normal && num_layers <= kMostLayersOfGlorot ? InitializerKind::glorot_uniform
                                                                                 : init;
}

/// \returns (count, length), row-major: orthonormal rows with the Haar measure, for length >= count. Draws normal
/// numbers and applies modified Gram–Schmidt twice ("twice is enough", Giraud et al. 2005).
std::vector<double> orthonormal_rows(std::size_t count, std::size_t length, const Philox& random) {
  std::vector<double> q(count * length);
  runtime::in_parts(q.size(), 32, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      q[i] = random.normal(i);
    }
  });
  for (std::size_t r = 0; r < count; ++r) {
    double* row = &q[r * length];
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t s = 0; s < r; ++s) {
        const double* other = &q[s * length];
        double dot = 0.0;
        for (std::size_t i = 0; i < length; ++i) {
          dot += row[i] * other[i];
        }
        for (std::size_t i = 0; i < length; ++i) {
          row[i] -= dot * other[i];
        }
        runtime::poll(8 * length);  // 8: these dependent additions are slower than multiply-adds of a product
      }
    }
    double squares = 0.0;
    for (std::size_t i = 0; i < length; ++i) {
      squares += row[i] * row[i];
    }
    const double scale = 1.0 / std::sqrt(squares);
    for (std::size_t i = 0; i < length; ++i) {
      row[i] *= scale;
    }
  }
  return q;
}

template <class T>
void fill_orthogonal(double gain, MatrixView<T> w, const Philox& random) {
  const bool wide = w.rows() <= w.cols();
  const std::size_t length = std::max(w.rows(), w.cols());
  const std::vector<double> q = orthonormal_rows(std::min(w.rows(), w.cols()), length, random);
  for (std::size_t r = 0; r < w.rows(); ++r) {
    for (std::size_t c = 0; c < w.cols(); ++c) {
      w(r, c) = static_cast<T>(gain * (wide ? q[r * length + c] : q[c * length + r]));
    }
  }
}

template <class T, class F>
void fill(MatrixView<T> w, F value) {
  constexpr std::size_t kOperations = 32;  // cost estimate of one element, for polls: 10 rounds of Philox, a quantile
  for (std::size_t r = 0; r < w.rows(); ++r) {
    runtime::in_parts(w.cols(), kOperations, [&](std::size_t begin, std::size_t end) {
      for (std::size_t c = begin; c < end; ++c) {
        w(r, c) = static_cast<T>(value(r * w.cols() + c));
      }
    });
    runtime::poll(kOperations * w.cols());
  }
}

template <class T>
void fill_normal(double deviation, MatrixView<T> w, const Philox& random) {
  fill(w, [&](std::size_t i) { return deviation * random.normal(i); });
}

template <class T>
void fill_uniform(double half_width, MatrixView<T> w, const Philox& random) {
  fill(w, [&](std::size_t i) { return half_width * (2.0 * random.uniform(i) - 1.0); });
}

template <class T>
void fill_as(const Initializer& init, const Activation& activation, MatrixView<T> w, const Philox& random,
             std::size_t num_layers) {
  const auto fan_in = static_cast<double>(w.rows());
  const auto fan_out = static_cast<double>(w.cols());
  // A uniform distribution on [−h, h] has the variance h²/3.
  switch (resolve(init.kind, activation.kind(), num_layers)) {
    case InitializerKind::automatic:
      break;
    case InitializerKind::he_normal:
      return fill_normal(std::sqrt(2.0 / fan_in), w, random);
    case InitializerKind::he_uniform:
      return fill_uniform(std::sqrt(6.0 / fan_in), w, random);
    case InitializerKind::glorot_normal:
      return fill_normal(std::sqrt(2.0 / (fan_in + fan_out)), w, random);
    case InitializerKind::glorot_uniform:
      return fill_uniform(std::sqrt(6.0 / (fan_in + fan_out)), w, random);
    case InitializerKind::lecun_normal:
      return fill_normal(std::sqrt(1.0 / fan_in), w, random);
    case InitializerKind::lecun_uniform:
      return fill_uniform(std::sqrt(3.0 / fan_in), w, random);
    case InitializerKind::zeros:
      return fill(w, [](std::size_t) { return 0.0; });
    case InitializerKind::constant:
      return fill(w, [&](std::size_t) { return init.parameter; });
    case InitializerKind::normal:
      return fill_normal(init.parameter, w, random);
    case InitializerKind::uniform:
      return fill_uniform(init.parameter, w, random);
    case InitializerKind::orthogonal:
      return fill_orthogonal(init.parameter, w, random);
  }
}

}  // namespace

Initializer Initializer::from_name(std::string_view name) {
  return entry_of_name("initializer", name, kNamed, [](const auto& entry) { return entry.first; }).second;
}

std::string_view Initializer::name() const noexcept { return kNamed[static_cast<std::size_t>(kind)].first; }

template <class T>
void initialize(const Initializer& init, const Activation& activation, MatrixView<T> w, const Philox& random,
                std::size_t num_layers) {
  if (!std::isfinite(init.parameter)) {
    throw std::invalid_argument(std::string(init.name()) + ": the parameter must be finite");
  }
  in_own_mode([&] { fill_as(init, activation, w, random, num_layers); });
}

template void initialize(const Initializer&, const Activation&, MatrixView<float>, const Philox&, std::size_t);
template void initialize(const Initializer&, const Activation&, MatrixView<double>, const Philox&, std::size_t);

}  // namespace backpass

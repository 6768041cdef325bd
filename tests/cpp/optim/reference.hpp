/// Every optimizer for one scalar parameter in double, written from the formulas of PyTorch's documentation (Lion: from
/// its paper) without rearrangement. Also the settings that all tests use.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <backpass/optimizer.hpp>

namespace backpass::reference {

/// The state of one parameter.
struct Memory {
  int t = 0;
  double first = 0.0, second = 0.0, third = 0.0;
  std::optional<double> buffer;
  double mu_product = 1.0;
};

inline double sign(double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0; }

inline double step(const SGD& o, double lr, double g, double p, Memory& s) {
  g = g + o.weight_decay * p;
  if (o.momentum != 0) {
    s.buffer = s.buffer ? o.momentum * *s.buffer + (1 - o.dampening) * g : g;
    g = o.nesterov ? g + o.momentum * *s.buffer : *s.buffer;
  }
  return p - lr * g;
}

inline double step(const RMSprop& o, double lr, double g, double p, Memory& s) {
  g = g + o.weight_decay * p;
  s.first = o.alpha * s.first + (1 - o.alpha) * g * g;
  double variance = s.first;
  if (o.centered) {
    s.second = o.alpha * s.second + (1 - o.alpha) * g;
    variance -= s.second * s.second;
  }
  const double update = g / (std::sqrt(variance) + o.eps);
  if (o.momentum == 0) {
    return p - lr * update;
  }
  s.third = o.momentum * s.third + update;
  return p - lr * s.third;
}

inline double step(const Adagrad& o, double lr, double g, double p, Memory& s) {
  if (s.t++ == 0) {
    s.first = o.initial_accumulator_value;
  }
  g = g + o.weight_decay * p;
  s.first += g * g;
  return p - lr / (1 + (s.t - 1) * o.lr_decay) * g / (std::sqrt(s.first) + o.eps);
}

template <class O>
double adam_step(const O& o, double lr, double g, double p, Memory& s) {
  ++s.t;
  s.first = o.beta1 * s.first + (1 - o.beta1) * g;
  s.second = o.beta2 * s.second + (1 - o.beta2) * g * g;
  s.third = std::max(s.third, s.second);
  const double m_hat = s.first / (1 - std::pow(o.beta1, s.t));
  const double v_hat = (o.amsgrad ? s.third : s.second) / (1 - std::pow(o.beta2, s.t));
  return p - lr * m_hat / (std::sqrt(v_hat) + o.eps);
}
inline double step(const Adam& o, double lr, double g, double p, Memory& s) {
  return adam_step(o, lr, g + o.weight_decay * p, p, s);
}
inline double step(const AdamW& o, double lr, double g, double p, Memory& s) {
  return adam_step(o, lr, g, p - lr * o.weight_decay * p, s);
}

inline double step(const NAdam& o, double lr, double g, double p, Memory& s) {
  ++s.t;
  g = g + o.weight_decay * p;
  const double mu = o.beta1 * (1 - 0.5 * std::pow(0.96, s.t * o.momentum_decay));
  const double mu_next = o.beta1 * (1 - 0.5 * std::pow(0.96, (s.t + 1) * o.momentum_decay));
  s.mu_product *= mu;
  s.first = o.beta1 * s.first + (1 - o.beta1) * g;
  s.second = o.beta2 * s.second + (1 - o.beta2) * g * g;
  const double m_hat = mu_next * s.first / (1 - s.mu_product * mu_next) + (1 - mu) * g / (1 - s.mu_product);
  const double v_hat = s.second / (1 - std::pow(o.beta2, s.t));
  return p - lr * m_hat / (std::sqrt(v_hat) + o.eps);
}

inline double step(const Rprop& o, double lr, double g, double p, Memory& s) {
  double& previous = s.first;
  double& size = s.second;
  if (s.t++ == 0) {
    size = lr;
  }
  if (g * previous > 0) {
    size = std::min(size * o.eta_plus, o.step_max);
  } else if (g * previous < 0) {
    size = std::max(size * o.eta_minus, o.step_min);
    g = 0;
  }
  size = std::clamp(size, o.step_min, o.step_max);
  previous = g;
  return p - sign(g) * size;
}

inline double step(const Lion& o, double lr, double g, double p, Memory& s) {
  const double direction = sign(o.beta1 * s.first + (1 - o.beta1) * g);
  s.first = o.beta2 * s.first + (1 - o.beta2) * g;
  return p - lr * (direction + o.weight_decay * p);
}

struct Setting {
  std::string name;
  Optimizer optimizer;
};

/// Every optimizer with every switch on and off. Every hyperparameter has a non-default value in some setting.
inline std::vector<Setting> settings() {
  return {
      {"SGD", SGD{.lr = 0.1}},
      {"SGD weight_decay", SGD{.lr = 0.05, .weight_decay = 0.1}},
      {"SGD momentum", SGD{.lr = 0.02, .momentum = 0.9}},
      {"SGD dampening", SGD{.lr = 0.02, .momentum = 0.99, .dampening = 0.5, .weight_decay = 0.01}},
      {"SGD nesterov", SGD{.lr = 0.01, .momentum = 0.95, .nesterov = true, .weight_decay = 0.02}},
      {"RMSprop", RMSprop{}},
      {"RMSprop momentum", RMSprop{.lr = 0.003, .alpha = 0.9, .weight_decay = 0.1, .momentum = 0.8}},
      {"RMSprop centered", RMSprop{.alpha = 0.95, .eps = 1e-3, .centered = true}},
      {"RMSprop both", RMSprop{.lr = 0.002, .eps = 1e-4, .momentum = 0.9, .centered = true}},
      {"Adagrad", Adagrad{}},
      {"Adagrad all",
       Adagrad{.lr = 0.1, .lr_decay = 0.02, .weight_decay = 0.1, .initial_accumulator_value = 0.3, .eps = 1e-3}},
      {"Adam", Adam{}},
      {"Adam amsgrad",
       Adam{.lr = 0.01, .beta1 = 0.8, .beta2 = 0.99, .eps = 1e-4, .weight_decay = 0.1, .amsgrad = true}},
      {"Adam small betas", Adam{.lr = 0.01, .beta1 = 0.0, .beta2 = 0.3}},
      {"AdamW", AdamW{}},
      {"AdamW amsgrad",
       AdamW{.lr = 0.02, .beta1 = 0.7, .beta2 = 0.9, .eps = 1e-6, .weight_decay = 0.3, .amsgrad = true}},
      {"NAdam", NAdam{}},
      {"NAdam all",
       NAdam{.lr = 0.01, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-5, .weight_decay = 0.1, .momentum_decay = 0.1}},
      {"Rprop", Rprop{}},
      {"Rprop all", Rprop{.lr = 0.1, .eta_minus = 0.7, .eta_plus = 1.5, .step_min = 0.05, .step_max = 0.5}},
      {"Rprop start outside", Rprop{.lr = 2.0, .step_min = 1e-3, .step_max = 0.25}},
      {"Lion", Lion{}},
      {"Lion weight_decay", Lion{.lr = 0.01, .beta1 = 0.8, .beta2 = 0.95, .weight_decay = 0.2}},
  };
}

/// Uniform in (-1, 1), exact in float, the same on every machine.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}
  double operator()() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<double>(static_cast<std::int64_t>(state_) >> 40) / 8388608.0;
  }
  template <class T>
  std::vector<T> vector(std::size_t n) {
    std::vector<T> v(n);
    for (T& x : v) {
      x = static_cast<T>((*this)());
    }
    return v;
  }

 private:
  std::uint64_t state_;
};

}  // namespace backpass::reference

/// Optimizers and schedules with unusual settings, and bitwise comparison. Written by hand, independently of the field
/// lists that saving and loading share.
#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <random>
#include <type_traits>
#include <utility>
#include <vector>

#include <backpass/optimizer.hpp>
#include <backpass/schedule.hpp>

namespace backpass::test {

using Random = std::mt19937_64;

inline double in(Random& random, double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random);
}
inline bool coin(Random& random) { return random() % 2 == 0; }

/// One of every optimizer; all have valid settings.
inline std::vector<Optimizer> random_optimizers(Random& random) {
  const auto share = [&] { return in(random, 0.1, 0.9); };
  return {SGD{.lr = share(), .momentum = share(), .dampening = share(), .nesterov = false, .weight_decay = share()},
          SGD{.lr = share(), .momentum = share(), .dampening = 0, .nesterov = true, .weight_decay = share()},
          SGD{.lr = share()},
          RMSprop{.lr = share() / 99,
                  .alpha = share(),
                  .eps = share(),
                  .weight_decay = share(),
                  .momentum = share(),
                  .centered = true},
          RMSprop{.lr = share() / 99, .alpha = share(), .eps = share(), .weight_decay = share()},
          Adagrad{.lr = share(),
                  .lr_decay = share(),
                  .weight_decay = share(),
                  .initial_accumulator_value = share(),
                  .eps = share()},
          Adam{.lr = share() / 99,
               .beta1 = share(),
               .beta2 = share(),
               .eps = share(),
               .weight_decay = share(),
               .amsgrad = true},
          Adam{.lr = share() / 99, .beta1 = share(), .beta2 = share(), .eps = share()},
          AdamW{.lr = share() / 99,
                .beta1 = share(),
                .beta2 = share(),
                .eps = share(),
                .weight_decay = share(),
                .amsgrad = coin(random)},
          NAdam{.lr = share() / 99,
                .beta1 = share(),
                .beta2 = share(),
                .eps = share(),
                .weight_decay = share(),
                .momentum_decay = share()},
          Rprop{.lr = share() / 99,
                .eta_minus = share(),
                .eta_plus = 1 + share(),
                .step_min = share() / 1e6,
                .step_max = 1 + share()},
          Lion{.lr = share() / 99, .beta1 = share(), .beta2 = share(), .weight_decay = share()}};
}

/// One of every schedule; all have valid settings.
inline std::vector<Schedule> random_schedules(Random& random) {
  const auto share = [&] { return in(random, 0.1, 0.9); };
  const auto number = [&] { return static_cast<std::int64_t>(1 + random() % 1000); };
  const schedules::ReduceOnPlateau used{.factor = share(),
                                        .patience = number(),
                                        .threshold = share(),
                                        .cooldown = number(),
                                        .min_lr = share(),
                                        .best = share(),
                                        .bad_epochs = number(),
                                        .cooldown_left = number(),
                                        .scale = share()};
  const auto behind = [&](Schedule then) {
    return schedules::LinearWarmup{
        .steps = number(), .start_factor = share(), .then = std::make_shared<Schedule>(std::move(then))};
  };
  return {schedules::Constant{},
          schedules::Step{.step_size = number(), .gamma = share()},
          schedules::Exponential{.gamma = share()},
          schedules::Cosine{.period = number(), .min_lr = share()},
          schedules::OneCycle{.max_lr = share(),
                              .total_steps = number(),
                              .pct_start = share(),
                              .div_factor = 1 + share(),
                              .final_div_factor = 1 + share()},
          schedules::CosLog{.cycles = 1 + static_cast<std::int64_t>(random() % 62), .total_steps = number()},
          schedules::FlatCosine{.flat = share(), .total_steps = number()},
          schedules::InverseScaling{.power = share()},
          used,
          schedules::ReduceOnPlateau{},
          schedules::LinearWarmup{.steps = number(), .start_factor = share(), .then = nullptr},
          behind(used),
          behind(behind(behind(schedules::Cosine{.period = number()})))};
}

inline bool same(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

template <class V>
bool same_bits(const std::vector<std::vector<V>>& a, const std::vector<std::vector<V>>& b) {
  using Bits = std::conditional_t<sizeof(V) == 4, std::uint32_t, std::uint64_t>;
  if (a.size() != b.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].size() != b[i].size()) {
      return false;
    }
    for (std::size_t j = 0; j < a[i].size(); ++j) {
      if (std::bit_cast<Bits>(a[i][j]) != std::bit_cast<Bits>(b[i][j])) {
        return false;
      }
    }
  }
  return true;
}

inline bool same(const OptimizerState& a, const OptimizerState& b) {
  return same_bits(a.slots_f32, b.slots_f32) && same_bits(a.slots_f64, b.slots_f64) && a.groups == b.groups;
}

inline bool same(const SGD& a, const SGD& b) {
  return same(a.lr, b.lr) && same(a.momentum, b.momentum) && same(a.dampening, b.dampening) &&
         a.nesterov == b.nesterov && same(a.weight_decay, b.weight_decay);
}
inline bool same(const RMSprop& a, const RMSprop& b) {
  return same(a.lr, b.lr) && same(a.alpha, b.alpha) && same(a.eps, b.eps) && same(a.weight_decay, b.weight_decay) &&
         same(a.momentum, b.momentum) && a.centered == b.centered;
}
inline bool same(const Adagrad& a, const Adagrad& b) {
  return same(a.lr, b.lr) && same(a.lr_decay, b.lr_decay) && same(a.weight_decay, b.weight_decay) &&
         same(a.initial_accumulator_value, b.initial_accumulator_value) && same(a.eps, b.eps);
}
template <class A>
  requires(std::is_same_v<A, Adam> || std::is_same_v<A, AdamW>)
bool same(const A& a, const A& b) {
  return same(a.lr, b.lr) && same(a.beta1, b.beta1) && same(a.beta2, b.beta2) && same(a.eps, b.eps) &&
         same(a.weight_decay, b.weight_decay) && a.amsgrad == b.amsgrad;
}
inline bool same(const NAdam& a, const NAdam& b) {
  return same(a.lr, b.lr) && same(a.beta1, b.beta1) && same(a.beta2, b.beta2) && same(a.eps, b.eps) &&
         same(a.weight_decay, b.weight_decay) && same(a.momentum_decay, b.momentum_decay);
}
inline bool same(const Rprop& a, const Rprop& b) {
  return same(a.lr, b.lr) && same(a.eta_minus, b.eta_minus) && same(a.eta_plus, b.eta_plus) &&
         same(a.step_min, b.step_min) && same(a.step_max, b.step_max);
}
inline bool same(const Lion& a, const Lion& b) {
  return same(a.lr, b.lr) && same(a.beta1, b.beta1) && same(a.beta2, b.beta2) && same(a.weight_decay, b.weight_decay);
}

bool same(const Schedule& a, const Schedule& b);
inline bool same(const schedules::Constant& /*a*/, const schedules::Constant& /*b*/) { return true; }
inline bool same(const schedules::Step& a, const schedules::Step& b) {
  return a.step_size == b.step_size && same(a.gamma, b.gamma);
}
inline bool same(const schedules::Exponential& a, const schedules::Exponential& b) { return same(a.gamma, b.gamma); }
inline bool same(const schedules::Cosine& a, const schedules::Cosine& b) {
  return a.period == b.period && same(a.min_lr, b.min_lr);
}
inline bool same(const schedules::OneCycle& a, const schedules::OneCycle& b) {
  return same(a.max_lr, b.max_lr) && a.total_steps == b.total_steps && same(a.pct_start, b.pct_start) &&
         same(a.div_factor, b.div_factor) && same(a.final_div_factor, b.final_div_factor);
}
inline bool same(const schedules::CosLog& a, const schedules::CosLog& b) {
  return a.cycles == b.cycles && a.total_steps == b.total_steps;
}
inline bool same(const schedules::FlatCosine& a, const schedules::FlatCosine& b) {
  return same(a.flat, b.flat) && a.total_steps == b.total_steps;
}
inline bool same(const schedules::InverseScaling& a, const schedules::InverseScaling& b) {
  return same(a.power, b.power);
}
inline bool same(const schedules::ReduceOnPlateau& a, const schedules::ReduceOnPlateau& b) {
  return same(a.factor, b.factor) && a.patience == b.patience && same(a.threshold, b.threshold) &&
         a.cooldown == b.cooldown && same(a.min_lr, b.min_lr) && same(a.best, b.best) && a.bad_epochs == b.bad_epochs &&
         a.cooldown_left == b.cooldown_left && same(a.scale, b.scale);
}
inline bool same(const schedules::LinearWarmup& a, const schedules::LinearWarmup& b) {
  return a.steps == b.steps && same(a.start_factor, b.start_factor) && (a.then != nullptr) == (b.then != nullptr) &&
         (a.then == nullptr || same(*a.then, *b.then));
}

/// Whether both hold the same type with equal values.
template <class Variant>
bool same_choice(const Variant& a, const Variant& b) {
  return a.index() == b.index() &&
         std::visit(
             [&](const auto& choice) { return same(choice, std::get<std::remove_cvref_t<decltype(choice)>>(b)); }, a);
}
inline bool same(const Schedule& a, const Schedule& b) { return same_choice(a, b); }
/// Compares only settings; tests compare the state separately.
inline bool same(const Optimizer& a, const Optimizer& b) { return same_choice(a, b); }

}  // namespace backpass::test

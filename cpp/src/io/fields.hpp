/// The settings of every optimizer and schedule. Saving and loading both use these lists.
///
/// The state of an optimizer is not a setting: optimizer_state.cpp saves and loads it.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include <backpass/optimizer.hpp>
#include <backpass/schedule.hpp>

namespace backpass::io {

/// A member and its name in files. The name is the same in C++ and Python.
template <class S, class V>
struct Field {
  const char* name;
  V S::* member;
  bool finite = true;  ///< refuse infinity and NaN when saving and loading
};
template <class S, class V>
Field(const char*, V S::*) -> Field<S, V>;
template <class S, class V>
Field(const char*, V S::*, bool) -> Field<S, V>;

template <class S>
using Of = std::type_identity<S>;

constexpr auto fields(Of<SGD>) {
  return std::tuple{Field{"lr", &SGD::lr}, Field{"momentum", &SGD::momentum}, Field{"dampening", &SGD::dampening},
                    Field{"nesterov", &SGD::nesterov}, Field{"weight_decay", &SGD::weight_decay}};
}
constexpr auto fields(Of<RMSprop>) {
  return std::tuple{Field{"lr", &RMSprop::lr},
                    Field{"alpha", &RMSprop::alpha},
                    Field{"eps", &RMSprop::eps},
                    Field{"weight_decay", &RMSprop::weight_decay},
                    Field{"momentum", &RMSprop::momentum},
                    Field{"centered", &RMSprop::centered}};
}
constexpr auto fields(Of<Adagrad>) {
  return std::tuple{
      Field{"lr", &Adagrad::lr}, Field{"lr_decay", &Adagrad::lr_decay}, Field{"weight_decay", &Adagrad::weight_decay},
      Field{"initial_accumulator_value", &Adagrad::initial_accumulator_value}, Field{"eps", &Adagrad::eps}};
}
template <class A>
  requires(std::is_same_v<A, Adam> || std::is_same_v<A, AdamW>)
constexpr auto fields(Of<A>) {
  return std::tuple{Field{"lr", &A::lr},
                    Field{"beta1", &A::beta1},
                    Field{"beta2", &A::beta2},
                    Field{"eps", &A::eps},
                    Field{"weight_decay", &A::weight_decay},
                    Field{"amsgrad", &A::amsgrad}};
}
constexpr auto fields(Of<NAdam>) {
  return std::tuple{Field{"lr", &NAdam::lr},
                    Field{"beta1", &NAdam::beta1},
                    Field{"beta2", &NAdam::beta2},
                    Field{"eps", &NAdam::eps},
                    Field{"weight_decay", &NAdam::weight_decay},
                    Field{"momentum_decay", &NAdam::momentum_decay}};
}
constexpr auto fields(Of<Rprop>) {
  return std::tuple{Field{"lr", &Rprop::lr}, Field{"eta_minus", &Rprop::eta_minus}, Field{"eta_plus", &Rprop::eta_plus},
                    Field{"step_min", &Rprop::step_min}, Field{"step_max", &Rprop::step_max}};
}
constexpr auto fields(Of<Lion>) {
  return std::tuple{Field{"lr", &Lion::lr}, Field{"beta1", &Lion::beta1}, Field{"beta2", &Lion::beta2},
                    Field{"weight_decay", &Lion::weight_decay}};
}

constexpr auto fields(Of<schedules::Constant>) { return std::tuple{}; }
constexpr auto fields(Of<schedules::Step>) {
  return std::tuple{Field{"step_size", &schedules::Step::step_size}, Field{"gamma", &schedules::Step::gamma}};
}
constexpr auto fields(Of<schedules::Exponential>) { return std::tuple{Field{"gamma", &schedules::Exponential::gamma}}; }
constexpr auto fields(Of<schedules::Cosine>) {
  return std::tuple{Field{"period", &schedules::Cosine::period}, Field{"min_lr", &schedules::Cosine::min_lr}};
}
constexpr auto fields(Of<schedules::OneCycle>) {
  using S = schedules::OneCycle;
  return std::tuple{Field{"max_lr", &S::max_lr}, Field{"total_steps", &S::total_steps},
                    Field{"pct_start", &S::pct_start}, Field{"div_factor", &S::div_factor},
                    Field{"final_div_factor", &S::final_div_factor}};
}
constexpr auto fields(Of<schedules::InverseScaling>) {
  return std::tuple{Field{"power", &schedules::InverseScaling::power}};
}
constexpr auto fields(Of<schedules::ReduceOnPlateau>) {
  using S = schedules::ReduceOnPlateau;
  return std::tuple{Field{"factor", &S::factor},
                    Field{"patience", &S::patience},
                    Field{"threshold", &S::threshold},
                    Field{"cooldown", &S::cooldown},
                    Field{"min_lr", &S::min_lr},
                    Field{"best", &S::best, false},  // infinite until the first epoch has ended
                    Field{"bad_epochs", &S::bad_epochs},
                    Field{"cooldown_left", &S::cooldown_left},
                    Field{"scale", &S::scale}};
}
constexpr auto fields(Of<schedules::LinearWarmup>) {
  using S = schedules::LinearWarmup;
  return std::tuple{Field{"steps", &S::steps}, Field{"start_factor", &S::start_factor}, Field{"then", &S::then}};
}

/// Calls f(field) for each of S's settings.
template <class S, class F>
void for_each_field(F&& f) {
  std::apply([&](const auto&... field) { (f(field), ...); }, fields(Of<S>{}));
}

// ---- Compile-time check that no member is missing in the lists above: it would not be saved, without an error.

struct AnyValue {
  template <class V>
  operator V() const;  // NOLINT(google-explicit-constructor): never defined, converts to any type
};
template <class S, std::size_t... I>
consteval bool takes(std::index_sequence<I...>) {
  return requires { S{(static_cast<void>(I), AnyValue{})...}; };
}
/// The number of members of an aggregate, which is the largest number of values that can initialise it.
template <class S, std::size_t N = 0>
consteval std::size_t num_members() {
  if constexpr (takes<S>(std::make_index_sequence<N + 1>{})) {
    return num_members<S, N + 1>();
  } else {
    return N;
  }
}
template <class Variant, std::size_t kOthers>
inline constexpr bool kAllListed = false;
template <class... S, std::size_t kOthers>
inline constexpr bool kAllListed<std::variant<S...>, kOthers> =
    ((num_members<S>() == std::tuple_size_v<decltype(fields(Of<S>{}))> + kOthers) && ...);
static_assert(kAllListed<Optimizer, 1>, "fields() must list all members of an optimizer except its state");
static_assert(kAllListed<Schedule, 0>, "fields() must list all members of a schedule");

}  // namespace backpass::io

#include <backpass/optimizer.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/floating_point_mode.hpp"
#include "base/variant_from_name.hpp"
#include "optim/rules.hpp"
#include "optim/update_plan.hpp"

namespace backpass {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) { return lower(c); });
  return result;
}

}  // namespace

Optimizer optimizer_from_name(std::string_view name) {
  const auto lowered = [](std::string_view full) { return lower(full); };
  return variant_from_name<Optimizer>("optimizer", name, lowered,
                                      std::make_index_sequence<std::variant_size_v<Optimizer>>());
}

void validate(OptimizerRef optimizer) {
  optimizer.visit([]<class O>(const O& o) { optim::Rule<O>::validate(o); });
}

std::size_t num_slots(OptimizerRef optimizer) {
  return optimizer.visit([]<class O>(const O& o) { return optim::Rule<O>::num_slots(o); });
}

template <class T>
void apply_optimizer(OptimizerRef optimizer, std::span<T> parameters, std::span<const T> gradients,
                     std::span<const ParameterGroup> groups) {
  in_own_mode([&] {
    optim::UpdatePlan<T> plan;
    plan.prepare(optimizer, parameters, gradients, groups);
    plan.run(0, parameters.size());
  });
}

template BACKPASS_EXPORT void apply_optimizer(OptimizerRef, std::span<float>, std::span<const float>,
                                              std::span<const ParameterGroup>);
template BACKPASS_EXPORT void apply_optimizer(OptimizerRef, std::span<double>, std::span<const double>,
                                              std::span<const ParameterGroup>);

}  // namespace backpass

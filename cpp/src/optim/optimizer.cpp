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

std::string lowered(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

using AllOptimizers = std::make_index_sequence<std::variant_size_v<Optimizer>>;

}  // namespace

Optimizer optimizer_from_name(std::string_view name) {
  return variant_from_name<Optimizer>("optimizer", name, lowered, AllOptimizers());
}

std::vector<std::string> optimizer_names() { return variant_names<Optimizer>(lowered, AllOptimizers()); }

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

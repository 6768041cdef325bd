#include <backpass/optimizer.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "base/floating_point_mode.hpp"
#include "optim/rules.hpp"
#include "optim/update_plan.hpp"

namespace backpass {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Tries the alternatives from index I on.
template <std::size_t I = 0>
Optimizer from_name(std::string_view name, const std::string& known) {
  if constexpr (I == std::variant_size_v<Optimizer>) {
    throw std::invalid_argument("unknown optimizer \"" + std::string(name) + "\"; there are: " + known);
  } else {
    using O = std::variant_alternative_t<I, Optimizer>;
    std::string lowered(O::name);
    std::transform(lowered.begin(), lowered.end(), lowered.begin(), lower);
    if (name == O::name || name == lowered) {
      return O{};
    }
    return from_name<I + 1>(name, known + (known.empty() ? "" : ", ") + lowered);
  }
}

}  // namespace

Optimizer optimizer_from_name(std::string_view name) { return from_name(name, {}); }

void validate(OptimizerRef optimizer) {
  optimizer.visit([]<class O>(const O& o) { optim::Rule<O>::validate(o); });
}

std::size_t num_slots(OptimizerRef optimizer) {
  return optimizer.visit([]<class O>(const O& o) { return optim::Rule<O>::num_slots(o); });
}

template <class T>
void apply_optimizer(OptimizerRef optimizer, std::span<T> parameters, std::span<const T> gradients,
                     std::span<const ParameterGroup> groups) {
  const FloatingPointMode mode;
  optim::UpdatePlan<T> plan;
  plan.prepare(optimizer, parameters, gradients, groups);
  plan.run(0, parameters.size());
}

template BACKPASS_EXPORT void apply_optimizer(OptimizerRef, std::span<float>, std::span<const float>,
                                              std::span<const ParameterGroup>);
template BACKPASS_EXPORT void apply_optimizer(OptimizerRef, std::span<double>, std::span<const double>,
                                              std::span<const ParameterGroup>);

}  // namespace backpass

#include "optim/update_plan.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include <backpass/error.hpp>

#include "kernels/dispatch.hpp"
#include "optim/rules.hpp"
#include "runtime/interrupt.hpp"

namespace backpass::optim {
namespace {

template <class T>
using OtherType = std::conditional_t<std::is_same_v<T, float>, double, float>;

std::string counted(std::size_t n, const char* what) { return std::to_string(n) + " " + what + (n == 1 ? "" : "s"); }

/// Whether the biases of the group have another rate than its weights.
bool splits(const ParameterGroup& group) noexcept { return group.num_biases > 0 && group.bias_lr_scale != 1.0; }

/// \throws ShapeError, std::invalid_argument
void check_groups(std::span<const ParameterGroup> groups, std::size_t num_parameters) {
  std::size_t end = 0;
  for (const ParameterGroup& group : groups) {
    if (group.offset < end || group.offset > num_parameters || group.size > num_parameters - group.offset) {
      throw ShapeError("parameter group of " + std::to_string(group.size) + " at " + std::to_string(group.offset) +
                       " must not begin before the end of the previous group, " + std::to_string(end) +
                       ", or end after the " + counted(num_parameters, "parameter"));
    }
    end = group.offset + group.size;
    if (group.num_biases > group.size) {
      throw ShapeError("parameter group of " + std::to_string(group.size) +
                       " with num_biases = " + std::to_string(group.num_biases));
    }
    require(Range::non_negative, "parameter group", "lr_scale", group.lr_scale);
    if (group.bias_lr_scale != 1.0) {
      require(Range::non_negative, "parameter group", "bias_lr_scale", group.bias_lr_scale);
    }
  }
}

/// \throws ShapeError unless the state is empty or fits these parameters
template <class T>
void check_state(OptimizerState& state, std::string_view name, std::size_t max_slots, std::size_t num_parameters,
                 std::size_t num_groups) {
  const auto refuse = [&](const std::string& found, const std::string& expected) {
    throw ShapeError(std::string(name) + ": its state holds " + found + ", expected " + expected +
                     "; use one optimizer per network");
  };
  if (!state.arrays<OtherType<T>>().empty()) {
    refuse(type_name<OtherType<T>>, type_name<T>);
  }
  if (state.arrays<T>().size() > max_slots) {
    refuse(counted(state.arrays<T>().size(), "slot"), "at most " + std::to_string(max_slots));
  }
  for (const std::vector<T>& slot : state.arrays<T>()) {
    if (slot.size() != num_parameters) {
      refuse(counted(slot.size(), "parameter"), std::to_string(num_parameters));
    }
  }
  if (!state.empty() && state.groups.size() != num_groups) {
    refuse(counted(state.groups.size(), "parameter group"), std::to_string(num_groups));
  }
  for (const OptimizerState::Group& group : state.groups) {
    require(group.step >= 0 && group.step < std::numeric_limits<std::int64_t>::max(), name, "step count of the state",
            static_cast<double>(group.step), "in [0, 2^63 - 1)");
  }
}

#define BACKPASS_KERNEL_FOR(kernel, Coefficients)                                                       \
  template <class T>                                                                                    \
  auto kernel_for(const kernels::UpdateKernels<T>& k, const kernels::Coefficients<T>& /*c*/) noexcept { \
    return k.kernel;                                                                                    \
  }
BACKPASS_UPDATES(BACKPASS_KERNEL_FOR, BACKPASS_NOTHING)
#undef BACKPASS_KERNEL_FOR

}  // namespace

template <class T>
void UpdatePlan<T>::check(OptimizerRef optimizer, std::size_t num_parameters, std::span<const ParameterGroup> groups) {
  check_groups(groups, num_parameters);
  optimizer.visit([&]<class O>(O& o) {
    Rule<O>::validate(o);
    check_state<T>(o.state, o.name, std::size(O::slot_names), num_parameters, groups.size());
  });
}

template <class T>
void UpdatePlan<T>::prepare(OptimizerRef optimizer, std::span<T> parameters, std::span<const T> gradients,
                            std::span<const ParameterGroup> groups) {
  if (parameters.size() != gradients.size()) {
    throw ShapeError(counted(parameters.size(), "parameter") + ", but " + counted(gradients.size(), "gradient"));
  }
  const ParameterGroup everything{.offset = 0, .size = parameters.size()};
  if (groups.empty()) {
    groups = {&everything, 1};
  }
  check(optimizer, parameters.size(), groups);
  advance(optimizer, parameters, gradients, groups);
}

template <class T>
void UpdatePlan<T>::advance(OptimizerRef optimizer, std::span<T> parameters, std::span<const T> gradients,
                            std::span<const ParameterGroup> groups) {
  if (kernels_ == nullptr) {
    kernels_ = &kernels::table<T>();
  }
  optimizer.visit([&](auto& o) { advance_for(o, parameters.size(), groups); });
  parameters_ = parameters.data();
  gradients_ = gradients.data();
}

template <class T>
template <class O>
void UpdatePlan<T>::advance_for(O& optimizer, std::size_t num_parameters, std::span<const ParameterGroup> groups) {
  using R = Rule<O>;
  OptimizerState& state = optimizer.state;
  std::vector<std::vector<T>>& slots = state.arrays<T>();

  // Everything that may throw comes first, so that an exception changes nothing.
  std::array<std::vector<T>, std::size(O::slot_names)> fresh;
  const std::size_t had = slots.size();
  const std::size_t needed = std::max(had, R::num_slots(optimizer));
  for (std::size_t i = had; i < needed; ++i) {
    fresh[i].reserve(num_parameters);
    runtime::in_parts(num_parameters, runtime::kWriteOperations, [&](std::size_t /*begin*/, std::size_t end) {
      fresh[i].resize(end, static_cast<T>(R::slot_value(optimizer)));
    });
  }
  slots.reserve(needed);
  ranges_.reserve(2 * groups.size());
  const bool restarts = !state.empty() && needed > had && R::kNewSlotRestarts;
  state.groups.resize(groups.size());

  for (std::size_t i = had; i < needed; ++i) {
    slots.push_back(std::move(fresh[i]));
  }
  if (restarts) {
    std::fill(state.groups.begin(), state.groups.end(), OptimizerState::Group{});
  }
  slots_ = {};
  for (std::size_t i = 0; i < slots.size(); ++i) {
    slots_[i] = slots[i].data();
  }
  ranges_.clear();
  // Ranges with the same counters and the same rate have the same coefficients.
  double rate = 0.0;
  OptimizerState::Group before;
  OptimizerState::Group after;
  bool first = true;
  const auto add = [&](std::size_t begin, std::size_t end, double lr, OptimizerState::Group& counters) {
    if (!first && counters == before && lr == rate) {
      counters = after;
      ranges_.push_back({begin, end, ranges_.back().coefficients});
      return;
    }
    first = false;
    rate = lr;
    before = counters;
    ranges_.push_back({begin, end, R::template advance<T>(optimizer, lr, counters)});
    after = counters;
  };
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const ParameterGroup& group = groups[i];
    if (!group.trainable) {
      continue;
    }
    const double lr = optimizer.lr * group.lr_scale;
    const std::size_t end = group.offset + group.size;
    if (splits(group)) {
      OptimizerState::Group same_step = state.groups[i];  // weights and biases take the same step of the group
      add(group.offset, end - group.num_biases, lr, same_step);
      add(end - group.num_biases, end, lr * group.bias_lr_scale, state.groups[i]);
    } else {
      add(group.offset, end, lr, state.groups[i]);
    }
  }
}

template <class T>
void UpdatePlan<T>::run(std::size_t begin, std::size_t end, bool shared) const noexcept {
  // Take ownership of cache lines that other cores hold, kRun parameters at a time. Between the stores of the update
  // kernel, the core would wait for every line separately (docs/tuning.md). 4096 floats are 16 KiB, half of the
  // first-level cache.
  constexpr std::size_t kRun = 4096;
  auto range = std::upper_bound(ranges_.begin(), ranges_.end(), begin,
                                [](std::size_t at, const Range& candidate) { return at < candidate.end; });
  for (; range != ranges_.end() && range->begin < end; ++range) {
    std::size_t first = std::max(begin, range->begin);
    const std::size_t range_end = std::min(end, range->end);
    while (first < range_end) {
      const std::size_t last = shared ? std::min(first + kRun, range_end) : range_end;
      const auto n = static_cast<std::ptrdiff_t>(last - first);
      if (shared) {
        kernels_->take_ownership(n, parameters_ + first);
      }
      kernels::UpdateSpan<T> span{n, gradients_ + first, parameters_ + first, {}};
      for (std::size_t i = 0; i < slots_.size(); ++i) {
        span.slot[i] = slots_[i] == nullptr ? nullptr : slots_[i] + first;
      }
      std::visit([&](const auto& c) { kernel_for(kernels_->update, c)(span, c); }, range->coefficients);
      first = last;
    }
  }
}

template class UpdatePlan<float>;
template class UpdatePlan<double>;

}  // namespace backpass::optim

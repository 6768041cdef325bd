/// The state of a training at the end of an epoch. fit restores it if a later epoch fails.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <backpass/network.hpp>
#include <backpass/schedule.hpp>

#include "runtime/interrupt.hpp"

namespace backpass::train {

/// The value, or null.
template <class Optional>
[[nodiscard]] auto* pointer_to(Optional& value) noexcept {
  return value ? &*value : nullptr;
}

/// The schedules of a training: of the learning rate, of dropout, of the weight decay. Each may be null.
using Schedules = std::array<Schedule*, 3>;

/// Parameters, dropout state, optimizer state, and the memories of ReduceOnPlateau. take() reuses the memory of the
/// previous snapshot.
template <class T>
class TrainingSnapshot {
 public:
  /// \throws std::bad_alloc; the snapshot has not changed then
  /// \throws what a poll throws; the snapshot can no longer be restored then
  void take(const Network<T>& network, OptimizerRef optimizer, const Schedules& schedules) {
    const auto p = network.parameters();
    parameters_.reserve(p.size());
    take_state(optimizer.state());
    // The rest allocates nothing.
    copy(p, parameters_);
    dropout_ = network.dropout_state();
    for (std::size_t i = 0; i < schedules.size(); ++i) {
      const Plateau* plateau = plateau_in(schedules[i]);
      plateaus_[i] = plateau == nullptr ? std::nullopt : std::optional(*plateau);
    }
  }
  /// Allocates nothing: copies into the optimizer's arrays if they have the sizes of the snapshot, else moves the
  /// snapshot's arrays to the optimizer.
  void restore(Network<T>& network, OptimizerRef optimizer, const Schedules& schedules) noexcept {
    std::copy(parameters_.begin(), parameters_.end(), network.parameters().begin());
    network.set_dropout_state(dropout_);
    OptimizerState& state = optimizer.state();
    const NetworkOwner owner = std::move(state.owner);
    if (same_shape(state, state_)) {
      copy_numbers(state_, state);
    } else {
      state = std::move(state_);
    }
    state.owner.set(owner.id());
    for (std::size_t i = 0; i < schedules.size(); ++i) {
      if (Plateau* plateau = plateau_in(schedules[i]); plateau != nullptr && plateaus_[i]) {
        *plateau = *plateaus_[i];
      }
    }
  }

 private:
  using Plateau = schedules::ReduceOnPlateau;
  static Plateau* plateau_in(Schedule* schedule) noexcept {
    return schedule == nullptr ? nullptr : plateau_of(*schedule);
  }
  static bool same_shape(const OptimizerState& a, const OptimizerState& b) noexcept {
    const auto same = [](const auto& x, const auto& y) {
      return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                        [](const auto& s, const auto& t) { return s.size() == t.size(); });
    };
    return a.groups.size() == b.groups.size() && same(a.slots_f32, b.slots_f32) && same(a.slots_f64, b.slots_f64);
  }
  static void copy_numbers(const OptimizerState& from, OptimizerState& to) noexcept {
    const auto copy = [](const auto& x, auto& y) {
      for (std::size_t i = 0; i < x.size(); ++i) {
        std::copy(x[i].begin(), x[i].end(), y[i].begin());
      }
    };
    std::copy(from.groups.begin(), from.groups.end(), to.groups.begin());
    copy(from.slots_f32, to.slots_f32);
    copy(from.slots_f64, to.slots_f64);
  }
  /// to = from, with polls. Allocates nothing if the capacity is sufficient.
  template <class N>
  static void copy(std::span<const N> from, std::vector<N>& to) {
    to.clear();
    to.reserve(from.size());
    runtime::in_parts(from.size(), runtime::kWriteOperations, [&](std::size_t begin, std::size_t end) {
      to.insert(to.end(), from.begin() + static_cast<std::ptrdiff_t>(begin),
                from.begin() + static_cast<std::ptrdiff_t>(end));
    });
  }
  template <class N>
  static void copy(const std::vector<std::vector<N>>& from, std::vector<std::vector<N>>& to) {
    to.resize(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) {
      copy(std::span<const N>(from[i]), to[i]);
    }
  }
  void take_state(const OptimizerState& state) {
    OptimizerState fresh;
    OptimizerState& to = same_shape(state, state_) ? state_ : fresh;
    to.groups = state.groups;
    copy(state.slots_f32, to.slots_f32);
    copy(state.slots_f64, to.slots_f64);
    if (&to == &fresh) {
      state_ = std::move(fresh);
    }
  }

  std::vector<T> parameters_;  ///< with the layout of Network::parameters()
  typename Network<T>::DropoutState dropout_;
  OptimizerState state_;
  std::array<std::optional<Plateau>, std::tuple_size_v<Schedules>> plateaus_;
};

}  // namespace backpass::train

/// The settings that follow schedules during a fit: the learning rate, the weight decay and the dropout rates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <backpass/schedule.hpp>
#include <backpass/trainer.hpp>

#include "base/require.hpp"
#include "pass/network_access.hpp"
#include "train/snapshot.hpp"

namespace backpass::train {

/// A schedule during one fit, with the length of this fit if the schedule has no length of its own.
class FollowedSchedule {
 public:
  /// Does everything that may throw. \param schedule  or null
  void prepare(const Schedule* schedule, std::size_t steps, std::size_t epochs) {
    if (schedule != nullptr && lacks_length(*schedule)) {
      own_ = with_length(*schedule, static_cast<std::int64_t>(steps), static_cast<std::int64_t>(epochs));
    }
  }
  /// \param schedule  or null; the object that has the memory of a ReduceOnPlateau
  void follow(Schedule* schedule) noexcept { schedule_ = own_ ? &*own_ : schedule; }
  [[nodiscard]] bool exists() const noexcept { return schedule_ != nullptr; }
  /// The rate of a step, counted over all epochs. Requires exists().
  [[nodiscard]] double rate(double base, std::size_t epoch, std::size_t step) const {
    return scheduled_lr(*schedule_, base, static_cast<std::int64_t>(epoch), static_cast<std::int64_t>(step));
  }
  void observe(double base, double monitored_loss) const {
    if (exists()) {
      backpass::observe(*schedule_, base, monitored_loss);
    }
  }

 private:
  Schedule* schedule_ = nullptr;
  std::optional<Schedule> own_;
};

/// The settings of one fit that follow schedules. The end of fit restores those of the optimizer, also after an
/// exception.
class ScheduledSettings {
 public:
  /// \param weight_decay  whether the optimizer's weight decay follows a schedule
  /// \throws std::invalid_argument if it does, and the optimizer has no weight decay
  ScheduledSettings(OptimizerRef optimizer, bool weight_decay) : optimizer_(optimizer), base_lr_(optimizer.lr()) {
    if (weight_decay) {
      require(optimizer.weight_decay() != nullptr,
              "weight_decay_schedule: " + std::string(optimizer.name()) + " has no weight_decay");
      base_weight_decay_ = *optimizer.weight_decay();
    }
  }
  ScheduledSettings(const ScheduledSettings&) = delete;
  ScheduledSettings& operator=(const ScheduledSettings&) = delete;
  ~ScheduledSettings() {
    optimizer_.set_lr(base_lr_);
    if (base_weight_decay_) {
      *optimizer_.weight_decay() = *base_weight_decay_;
    }
  }

  /// Does everything that may throw.
  /// \param lr      the schedule of the learning rate, or null
  /// \param memory  contains the other schedules
  void prepare(const Schedule* lr, const TrainingMemory& memory, std::size_t steps, std::size_t epochs) {
    lr_.prepare(lr, steps, epochs);
    weight_decay_.prepare(pointer_to(memory.weight_decay_schedule), steps, epochs);
    dropout_.prepare(pointer_to(memory.dropout_schedule), steps, epochs);
  }
  /// The parameters as for prepare(): the objects that have the memory of a ReduceOnPlateau.
  void follow(Schedule* lr, TrainingMemory& memory) noexcept {
    lr_.follow(lr);
    weight_decay_.follow(pointer_to(memory.weight_decay_schedule));
    dropout_.follow(pointer_to(memory.dropout_schedule));
  }

  [[nodiscard]] double base_lr() const noexcept { return base_lr_; }
  /// Empty if the weight decay does not follow a schedule.
  [[nodiscard]] std::optional<double> base_weight_decay() const noexcept { return base_weight_decay_; }
  /// Sets the learning rate and the weight decay of a step.
  void set(std::size_t epoch, std::size_t step) const {
    if (lr_.exists()) {
      optimizer_.set_lr(lr_.rate(base_lr_, epoch, step));
    }
    if (weight_decay_.exists()) {
      *optimizer_.weight_decay() = *base_weight_decay_ * weight_decay_.rate(1.0, epoch, step);
    }
  }
  /// The factor on the dropout rates of a step; empty if they do not follow a schedule.
  [[nodiscard]] std::optional<double> dropout_scale(std::size_t epoch, std::size_t step) const {
    return dropout_.exists() ? std::optional(dropout_.rate(1.0, epoch, step)) : std::nullopt;
  }
  /// Takes the loss of the epoch that ended.
  void observe(double monitored_loss) const {
    lr_.observe(base_lr_, monitored_loss);
    weight_decay_.observe(1.0, monitored_loss);
    dropout_.observe(1.0, monitored_loss);
  }

 private:
  OptimizerRef optimizer_;
  double base_lr_;
  std::optional<double> base_weight_decay_;
  FollowedSchedule lr_, weight_decay_, dropout_;
};

/// Multiplies the dropout rates of a network until the end of a step.
template <class T>
class DropoutScale {
 public:
  /// \throws std::invalid_argument if a rate is then not in [0, 1)
  DropoutScale(Network<T>& network, double scale) : network_(network) {
    NetworkAccess::set_dropout_scale(network, scale);
  }
  DropoutScale(const DropoutScale&) = delete;
  DropoutScale& operator=(const DropoutScale&) = delete;
  ~DropoutScale() { NetworkAccess::set_dropout_scale(network_, 1.0); }

 private:
  Network<T>& network_;
};

}  // namespace backpass::train

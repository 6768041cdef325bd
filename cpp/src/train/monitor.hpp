/// Early stopping: finds the best epoch and decides when to stop.
#pragma once

#include <cstddef>

#include <backpass/trainer.hpp>

namespace backpass::train {

/// The rule of early stopping. Its memory is a part of TrainingMemory.
class Monitor {
 public:
  /// \throws std::invalid_argument if a setting is out of range, if the history has no series `monitor`, or if the
  ///         memory belongs to another series
  Monitor(const EarlyStopping& settings, const TrainingMemory& memory);
  /// Takes the monitored value of an epoch. \returns true if it is the best epoch so far
  bool observe(std::size_t epoch, double value, TrainingMemory& memory) const noexcept;
  [[nodiscard]] bool is_over(const TrainingMemory& memory) const noexcept {
    return memory.waited > 0 && memory.waited >= settings_.patience;
  }
  [[nodiscard]] const EarlyStopping& settings() const noexcept { return settings_; }

 private:
  EarlyStopping settings_;
  double sign_;  ///< 1 if smaller values are better, −1 if larger values are better
};

}  // namespace backpass::train

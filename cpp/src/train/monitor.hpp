/// Early stopping: finds the best epoch and decides when to stop.
#pragma once

#include <cstddef>

#include <backpass/trainer.hpp>

namespace backpass::train {

class Monitor {
 public:
  /// \param memory  of the training so far; observe() updates it
  /// \throws std::invalid_argument if the history has no series `monitor`, if min_delta is negative, or if the memory
  ///         belongs to another series
  Monitor(const EarlyStopping& settings, const History& history, TrainingMemory& memory);
  /// Takes the monitored value of an epoch. \returns true if it is the best value so far
  bool observe(std::size_t epoch, double value) noexcept;
  [[nodiscard]] bool is_over() const noexcept { return memory_.waited > 0 && memory_.waited >= settings_.patience; }
  [[nodiscard]] std::size_t best_epoch() const noexcept { return memory_.best_epoch; }
  [[nodiscard]] bool has_best() const noexcept { return memory_.best.has_value(); }
  [[nodiscard]] const EarlyStopping& settings() const noexcept { return settings_; }

 private:
  EarlyStopping settings_;
  double sign_;  ///< 1 if smaller values are better, −1 if larger values are better
  TrainingMemory& memory_;
};

}  // namespace backpass::train

/// Early stopping: which epoch was best, and whether waiting for a better one is over.
#pragma once

#include <cstddef>

#include <backpass/trainer.hpp>

namespace backpass::train {

class Monitor {
 public:
  /// \param memory  of the training so far; kept up to date
  /// \throws std::invalid_argument when history has no series `monitor`, min_delta is negative, or the memory is of
  ///         another series
  Monitor(const EarlyStopping& settings, const History& history, TrainingMemory& memory);
  /// Takes the monitored number of an epoch. \returns whether it is the best so far
  bool observe(std::size_t epoch, double value) noexcept;
  [[nodiscard]] bool is_over() const noexcept { return memory_.waited > 0 && memory_.waited >= settings_.patience; }
  [[nodiscard]] std::size_t best_epoch() const noexcept { return memory_.best_epoch; }
  [[nodiscard]] bool has_best() const noexcept { return memory_.best.has_value(); }
  [[nodiscard]] const EarlyStopping& settings() const noexcept { return settings_; }

 private:
  EarlyStopping settings_;
  double sign_;  ///< −1 for what should rise
  TrainingMemory& memory_;
};

}  // namespace backpass::train

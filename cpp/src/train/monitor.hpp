/// Early stopping: which epoch was best, and whether waiting for a better one is over.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include <backpass/trainer.hpp>

namespace backpass::train {

class Monitor {
 public:
  /// \throws std::invalid_argument when history has no series `monitor`, or min_delta is negative
  Monitor(const EarlyStopping& settings, const History& history);
  /// Takes the monitored number of an epoch. \returns whether it is the best so far
  bool observe(std::size_t epoch, double value) noexcept;
  [[nodiscard]] bool is_over() const noexcept { return waited_ > 0 && waited_ >= settings_.patience; }
  [[nodiscard]] std::size_t best_epoch() const noexcept { return best_epoch_; }
  [[nodiscard]] bool has_best() const noexcept { return has_best_; }
  [[nodiscard]] const EarlyStopping& settings() const noexcept { return settings_; }

 private:
  EarlyStopping settings_;
  double sign_;  ///< −1 for what should rise
  double best_ = 0.0;
  std::size_t best_epoch_ = 0;
  std::size_t waited_ = 0;
  bool has_best_ = false;
};

}  // namespace backpass::train

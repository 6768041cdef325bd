/// A training that continues from a file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <backpass/serialize.hpp>

namespace backpass::train {

/// What the caller of fit passes. The training in the file must have the same.
template <class T>
struct ResumeTarget {
  Network<T>& network;
  OptimizerRef optimizer;
  Schedule* schedule;      ///< or null
  const History& history;  ///< its series have no numbers yet
  std::size_t steps_per_epoch;
  std::size_t shards;
  std::size_t window_rows;  ///< 0: all rows
  const FitOptions<T>& options;
};

/// The settings that all processes of a training must have.
template <class T>
[[nodiscard]] std::vector<std::string> settings_of(const ResumeTarget<T>& target, const Loss& loss);

/// Compares the training of FitOptions::resume_from with the target.
/// \throws std::invalid_argument if the file has no training to resume, or another one
template <class T>
void check_training(SavedTraining<T>& saved, const ResumeTarget<T>& target);

/// Moves the parameters, the settings of the layers, the optimizer and the memory of the schedule to the target.
template <class T>
void restore(SavedTraining<T>& saved, const ResumeTarget<T>& target) noexcept;

}  // namespace backpass::train

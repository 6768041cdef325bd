/// \file trainer.hpp
/// fit: epochs of shuffled mini-batches, with validation, metrics, schedules, early stopping and callbacks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <backpass/compiler.hpp>
#include <backpass/network.hpp>
#include <backpass/schedule.hpp>

namespace backpass {

enum class Metric : unsigned char {
  /// Share of rows whose largest output is the label. One output: on the label's side of 1/2, or of 0 for logits.
  /// Several outputs with a binary cross-entropy are labels of their own: the share of outputs (of all rows) that are
  /// on their label's side of the threshold. Targets are labels, or 0 and 1 (shares of classes for the
  /// cross-entropies): continuous ones are refused.
  accuracy,
  r2,   ///< coefficient of determination, averaged over outputs
  mae,  ///< mean absolute error over samples and outputs
};
[[nodiscard]] BACKPASS_EXPORT std::string_view metric_name(Metric metric) noexcept;
/// \throws std::invalid_argument for an unknown name; the message lists the known ones
[[nodiscard]] BACKPASS_EXPORT Metric metric_from_name(std::string_view name);

/// The metric of predictions `a` (B, M_N) against y. NaN for zero rows, and when one of `a` is NaN.
/// \param logits  a are logits: the threshold of a single output is 0 instead of 1/2
/// \throws std::invalid_argument when the metric does not apply to these targets, ShapeError
template <class T>
[[nodiscard]] BACKPASS_EXPORT double compute_metric(Metric metric, ConstMatrixView<T> a, Targets<T> y,
                                                    bool logits = false, std::span<const T> sample_weight = {});
/// The same; what the outputs mean follows from the loss that they were trained with, as in fit.
template <class T>
[[nodiscard]] BACKPASS_EXPORT double compute_metric(Metric metric, ConstMatrixView<T> a, Targets<T> y, const Loss& loss,
                                                    std::span<const T> sample_weight = {});

extern template double compute_metric(Metric, ConstMatrixView<float>, Targets<float>, bool, std::span<const float>);
extern template double compute_metric(Metric, ConstMatrixView<double>, Targets<double>, bool, std::span<const double>);

/// Stops when `monitor` has not fallen (risen, for accuracy and r2) by more than min_delta for `patience` epochs. NaN
/// is no improvement.
struct EarlyStopping {
  std::string monitor = "val_loss";
  std::size_t patience = 10;
  double min_delta = 0.0;
  bool restore_best = true;  ///< the network ends with the parameters of its best epoch
};

/// How far fit has come in an epoch; all 0 between two epochs.
struct EpochPosition {
  std::size_t steps = 0;    ///< made in this epoch
  double loss_sum = 0.0;    ///< over the rows of these steps: their part of the epoch's mean
  double weight_sum = 0.0;  ///< the part of the epoch's weight that these rows have, 0 to 1
  double lr = 0.0;          ///< at the epoch's first step
};

/// What early stopping and checkpoints that keep the best alone remember from epoch to epoch, and the place within an
/// epoch. A checkpoint holds it (serialize.hpp), so that a training that goes on has the bits of one that was not
/// interrupted, and stops where that one stops.
struct TrainingMemory {
  std::string monitor;               ///< whose best value this is; empty before the first epoch
  std::optional<double> best;        ///< none before the first epoch that is not NaN
  std::size_t best_epoch = 0;        ///< zero-based, counted on from first_epoch
  std::size_t waited = 0;            ///< epochs since then
  std::optional<double> best_saved;  ///< of the last save of Python's Checkpoint(save_best_only=True)
  std::string best_saved_monitor;
  /// Parameters and dropout of the best epoch, with EarlyStopping::restore_best; one of the two is used.
  std::vector<float> parameters_f32;
  std::vector<double> parameters_f64;
  std::uint64_t dropout_seed = 0;
  std::uint64_t dropout_pass = 0;
  EpochPosition position;

  template <class T>
  [[nodiscard]] const std::vector<T>& parameters() const noexcept {
    if constexpr (sizeof(T) == sizeof(float)) {
      return parameters_f32;
    } else {
      return parameters_f64;
    }
  }
  template <class T>
  [[nodiscard]] std::vector<T>& parameters() noexcept {
    return const_cast<std::vector<T>&>(std::as_const(*this).template parameters<T>());
  }
};

/// Named series, one number an epoch: "loss", "lr", "seconds", each metric's name, and "val_…" of them when there is
/// validation data.
struct BACKPASS_EXPORT History {
  std::vector<std::pair<std::string, std::vector<double>>> series;
  std::size_t epochs = 0;  ///< run in this call
  /// Zero-based and counted on from FitOptions::first_epoch, with early stopping.
  std::optional<std::size_t> best_epoch;
  bool stopped_early = false;  ///< by early stopping or a callback, before the end of the last planned epoch
  /// \throws std::out_of_range for an unknown name
  [[nodiscard]] const std::vector<double>& operator[](std::string_view name) const;
};

/// What fit tells after every epoch (and, as `interval`, in between).
struct EpochReport {
  std::size_t epoch = 0;   ///< zero-based
  std::size_t epochs = 0;  ///< planned
  const History& history;  ///< up to and including this epoch
};
struct ProgressReport {
  std::size_t epoch = 0;
  std::size_t rows_done = 0;  ///< of this epoch
  std::size_t rows = 0;       ///< of an epoch
  double loss = 0.0;          ///< running mean over this epoch
};

template <class T>
struct FitOptions {
  static_assert(is_real<T>, "T must be float or double");

  std::size_t epochs = 1;
  std::size_t batch_size = 32;
  bool shuffle = true;
  /// Rows and targets for "val_…"; or a share of the rows, taken from the end before shuffling.
  std::optional<std::pair<ConstMatrixView<T>, Targets<T>>> validation_data = {};
  double validation_split = 0.0;
  std::span<const T> sample_weight = {};
  /// Scales the optimizer's lr at the start of this call; lr is set back at the end. Only ReduceOnPlateau's memory
  /// changes, and is reset first unless this call goes on (first_epoch or first_step is not 0); a OneCycle with
  /// total_steps = 0 is followed as with_length(schedule, first_step + steps of this call).
  Schedule* schedule = nullptr;
  std::optional<EarlyStopping> early_stopping = {};
  GradientOptions gradient = {};
  std::vector<Metric> metrics = {};
  /// Called at every epoch's end; true stops.
  std::function<bool(const EpochReport&)> on_epoch_end = {};
  /// Called at most every 50 ms, between steps and, with rows_done == rows, between slices of the rows that validation
  /// and metrics look at; true stops at once (the epoch does not enter the history). A step is not interrupted. What a
  /// checkpoint saves here (with `memory`, the epochs that are finished and first_step + the steps of this call) can be
  /// gone on from.
  std::function<bool(const ProgressReport&)> on_progress = {};
  std::uint64_t seed = 0;  ///< of the shuffles
  /// Where to go on: counts of epochs and steps already made, for the schedule and the shuffles.
  std::size_t first_epoch = 0;
  std::int64_t first_step = 0;
  /// Kept up to date before on_epoch_end and on_progress are called. Reset first unless this call goes on. Where its
  /// position lies within an epoch, that epoch's other steps are the first ones of this call.
  TrainingMemory* memory = nullptr;
};

/// How many rows fit holds back for "val_…" when it is given this split: the last ones.
/// \throws std::invalid_argument unless validation_split is 0, or in (0, 1) and leaves rows on both sides
[[nodiscard]] BACKPASS_EXPORT std::size_t validation_rows(std::size_t rows, double validation_split);

/// What Network::fit calls.
/// A validation loss or a metric that is not finite is recorded and ends nothing: it is no improvement to early
/// stopping and ReduceOnPlateau. A loss of a training step that is not finite, or a parameter after an epoch, ends fit.
/// \throws DivergenceError when that happens; ShapeError, std::invalid_argument for bad arguments;
///         std::bad_alloc: parameters, dropout, the optimizer's state and the schedule's memory are then as at the
///         last finished epoch (an epoch is finished when on_epoch_end has returned), wherever the memory was missing;
///         whatever else a callback throws (the network then stands at the last step)
template <class T>
BACKPASS_EXPORT History fit(Network<T>& network, ConstMatrixView<T> x, Targets<T> y, const Loss& loss,
                            OptimizerRef optimizer, const FitOptions<T>& options);

extern template History fit(Network<float>&, ConstMatrixView<float>, Targets<float>, const Loss&, OptimizerRef,
                            const FitOptions<float>&);
extern template History fit(Network<double>&, ConstMatrixView<double>, Targets<double>, const Loss&, OptimizerRef,
                            const FitOptions<double>&);

}  // namespace backpass

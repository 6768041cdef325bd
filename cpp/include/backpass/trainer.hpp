/// \file trainer.hpp
/// fit: epochs of shuffled mini-batches, with validation, metrics, schedules, early stopping and callbacks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <backpass/communicator.hpp>
#include <backpass/compiler.hpp>
#include <backpass/field.hpp>
#include <backpass/network.hpp>
#include <backpass/row_source.hpp>
#include <backpass/schedule.hpp>

namespace backpass {

enum class Metric : unsigned char {
  /// The fraction of correct predictions.
  /// - Several outputs: a row is correct if its largest output is that of the target class.
  /// - One output: a row is correct if the output is on the target's side of the threshold 1/2, or 0 for logits.
  /// - Several outputs with a binary cross-entropy: every output is a separate binary label. The fraction counts the
  ///   outputs of all rows that are on the target's side of the threshold.
  ///
  /// Targets are labels, or 0 and 1. With several outputs and CrossEntropy, SoftmaxCrossEntropy or CustomLoss they may
  /// be class probabilities in [0, 1]. Other targets are an error.
  accuracy,
  r2,   ///< coefficient of determination, averaged over outputs
  mae,  ///< mean absolute error over samples and outputs
};
[[nodiscard]] BACKPASS_EXPORT std::string_view metric_name(Metric metric) noexcept;
/// \throws std::invalid_argument for an unknown name; the message lists the known names
[[nodiscard]] BACKPASS_EXPORT Metric metric_from_name(std::string_view name);

/// Computes a metric of predictions.
/// \param a              (B, M_N), the predictions
/// \param y              (B, M_N), or labels (B)
/// \param logits         true: a are logits, and the threshold of a single output is 0 instead of 1/2
/// \param sample_weight  (B), or empty
/// \returns NaN for zero rows, and if an element of `a` is NaN
/// \throws std::invalid_argument if the metric does not apply to these targets
/// \throws ShapeError if the shapes do not match
template <class T>
[[nodiscard]] BACKPASS_EXPORT double compute_metric(Metric metric, ConstMatrixView<T> a, Targets<T> y,
                                                    bool logits = false, std::span<const T> sample_weight = {});
/// The same, for outputs of a network that was trained with `loss`. As in fit(), the loss says whether outputs are
/// logits.
template <class T>
[[nodiscard]] BACKPASS_EXPORT double compute_metric(Metric metric, ConstMatrixView<T> a, Targets<T> y, const Loss& loss,
                                                    std::span<const T> sample_weight = {});

extern template double compute_metric(Metric, ConstMatrixView<float>, Targets<float>, bool, std::span<const float>);
extern template double compute_metric(Metric, ConstMatrixView<double>, Targets<double>, bool, std::span<const double>);

/// A metric of the user. The function gets the outputs (B, M_N), the targets and the weights (B), or none, of a whole
/// data set, and returns the metric.
template <class T>
struct CustomMetric {
  std::string name;
  std::function<double(ConstMatrixView<T> a, Targets<T> y, std::span<const T> sample_weight)> function;
};

/// True if a larger value of the series is better: accuracy, r2, auc, f1, precision, recall and top-k, with or without
/// a prefix such as "val_" or "balanced_".
[[nodiscard]] BACKPASS_EXPORT bool rises(std::string_view series) noexcept;

/// Stops fit if the series `monitor` has not improved by more than min_delta for `patience` epochs. NaN is not an
/// improvement.
struct EarlyStopping {
  static constexpr std::string_view name = "EarlyStopping";
  std::string monitor = "val_loss";
  std::size_t patience = 10;
  double min_delta = 0.0;     ///< ≥ 0
  bool restore_best = true;   ///< true: fit ends with the parameters of the best epoch
  std::string mode = "auto";  ///< "min", "max", or "auto": "max" if rises(monitor)
  /// Which of several epochs with the best value is the best epoch: "first" or "last". An equal value is not an
  /// improvement: it does not extend the wait.
  std::string ties = "first";

  static constexpr auto fields() {
    return std::tuple{Field{"monitor", &EarlyStopping::monitor},
                      Field{"patience", &EarlyStopping::patience},
                      Field{"min_delta", &EarlyStopping::min_delta, Range::non_negative},
                      Field{"restore_best", &EarlyStopping::restore_best},
                      Field{"mode", &EarlyStopping::mode},
                      Field{"ties", &EarlyStopping::ties}};
  }
};

/// Named series with one number per epoch: "loss", the name of each metric, these with the prefix "val_" if there is
/// validation data, "lr" and "seconds".
struct BACKPASS_EXPORT History {
  std::vector<std::pair<std::string, std::vector<double>>> series;
  std::size_t epochs = 0;  ///< number of epochs, including those before an interruption
  /// The best epoch of early stopping, counted from 0. Empty without early stopping.
  std::optional<std::size_t> best_epoch;
  bool stopped_early = false;  ///< true: early stopping or a callback stopped fit before the end of the last epoch
  bool restored_best = false;  ///< true: the network has the parameters of best_epoch
  /// \throws std::out_of_range for an unknown name
  [[nodiscard]] const std::vector<double>& operator[](std::string_view name) const;
};

/// The position of a training between two steps.
struct TrainingPosition {
  std::size_t epochs = 0;  ///< number of finished epochs
  std::size_t steps = 0;   ///< number of all steps so far
  std::size_t epoch_steps =
      0;                    ///< number of steps of the unfinished epoch; this and the following are 0 between epochs
  double loss_sum = 0.0;    ///< weighted sum of the losses of these steps, times a factor that keeps it finite
  double weight_sum = 0.0;  ///< sum of their weights, times the same factor; the mean loss is loss_sum / weight_sum
  double lr = 0.0;          ///< the learning rate of the epoch's first step
};

/// The state of a training between two steps, without its network, optimizer and schedule of the learning rate. A file
/// with all four (SaveOptions) continues the training by FitOptions::resume_from.
struct TrainingMemory {
  TrainingPosition position;
  std::optional<std::uint64_t> seed;  ///< of the shuffles; none before the first fit
  std::size_t shards = 1;             ///< FitOptions::shards
  std::size_t window_rows = 0;        ///< SourcePass::window_rows, if an epoch has several windows
  double base_lr = 0.0;               ///< the optimizer's learning rate at the start of the training
  History history;                    ///< of the finished epochs
  std::string monitor;                ///< the series that `best` belongs to; empty without early stopping
  std::optional<double> best;         ///< the best value; none before the first epoch with a value that is not NaN
  std::size_t best_epoch = 0;         ///< counted from 0
  std::size_t waited = 0;             ///< number of epochs since the last improvement
  std::optional<double> best_saved;   ///< the value at the last save of Python's Checkpoint(save_best_only=True)
  std::string best_saved_monitor;     ///< the series that best_saved belongs to
  /// FitOptions::dropout_schedule and weight_decay_schedule, with the memory of a ReduceOnPlateau.
  std::optional<Schedule> dropout_schedule, weight_decay_schedule;
  /// With weight_decay_schedule: the optimizer's weight decay at the start of the training.
  double base_weight_decay = 0.0;
  /// Parameters and dropout state of the best epoch, with EarlyStopping::restore_best. Only the vector of the network's
  /// type is used.
  std::vector<float> parameters_f32;
  std::vector<double> parameters_f64;
  std::uint64_t dropout_seed = 0;
  std::uint64_t dropout_pass = 0;

  /// The vector of type T.
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

/// The argument of FitOptions::on_begin.
struct BeginReport {
  std::size_t epoch = 0;  ///< the first epoch of this call, counted from 0
  std::size_t rows = 0;   ///< all rows of an epoch
};
/// The argument of FitOptions::on_epoch_end.
struct EpochReport {
  std::size_t epoch = 0;   ///< counted from 0
  std::size_t epochs = 0;  ///< FitOptions::epochs
  const History& history;  ///< up to and including this epoch
};
/// The argument of FitOptions::on_progress.
struct ProgressReport {
  std::size_t epoch = 0;      ///< counted from 0
  std::size_t rows_done = 0;  ///< rows of this epoch so far
  std::size_t rows = 0;       ///< all rows of an epoch
  double loss = 0.0;          ///< mean over the rows of this epoch so far
};

template <class T>
struct FitOptions {
  static_assert(is_real<T>, "T must be float or double");
  static constexpr std::string_view name = "fit";

  std::size_t epochs = 1;  ///< number of all epochs of the training, including those before an interruption
  std::size_t batch_size = 32;
  bool shuffle = true;
  /// Inputs (rows, M_0) and targets for the "val_" series.
  std::optional<std::pair<ConstMatrixView<T>, Targets<T>>> validation_data = {};
  /// Fraction of the rows for the "val_" series: the last rows, before shuffling. Not together with validation_data.
  double validation_split = 0.0;
  std::span<const T> sample_weight = {};  ///< (B), or empty
  /// The learning rate of each step; null: the rate is constant. The base rate is the optimizer's lr at the start of
  /// the call. At the end of the call, fit restores this lr.
  ///
  /// fit changes only the memory of a ReduceOnPlateau. It first resets this memory, or takes it from resume_from. If a
  /// schedule has no length, fit uses with_length(schedule, steps of all epochs, epochs).
  Schedule* schedule = nullptr;
  /// The dropout rates of a step are those of the network times the rate of this schedule for the base rate 1. Every
  /// product must be in [0, 1); otherwise the step throws std::invalid_argument. fit follows a copy of the schedule.
  std::optional<Schedule> dropout_schedule = {};
  /// The weight decay of a step is the optimizer's weight_decay at the start of the call times the rate of this
  /// schedule for the base rate 1. At the end of the call, fit restores this weight_decay. fit follows a copy of the
  /// schedule.
  std::optional<Schedule> weight_decay_schedule = {};
  std::optional<EarlyStopping> early_stopping = {};
  GradientOptions gradient = {};
  std::vector<Metric> metrics = {};
  /// With custom metrics, fit keeps the outputs of the whole data set in memory, (B, M_N). Each name must differ from
  /// all other names of series.
  std::vector<CustomMetric<T>> custom_metrics = {};
  /// Called before the first epoch, after all arguments have been checked.
  std::function<void(const BeginReport&)> on_begin = {};
  /// Called at the end of every epoch. A return value of true stops fit.
  std::function<bool(const EpochReport&)> on_epoch_end = {};
  /// Called at most every 50 ms: between steps, and (with rows_done == rows) between slices of the validation and of
  /// the metrics. A return value of true stops fit at once, and the epoch is not added to the history. A step is not
  /// interrupted.
  std::function<bool(const ProgressReport&)> on_progress = {};
  /// Of the shuffles. None: 0, or the seed of the training in resume_from.
  std::optional<std::uint64_t> seed = {};
  /// S: each batch is divided into S shards, as in Network::loss_and_gradient(). With shuffle, rows change places only
  /// with rows of the same shard. Also the metrics and the validation loss are sums over shards. So the results depend
  /// on S, and not on the number of processes. None: the shards of the training in resume_from, else 1, or 8 with a
  /// communicator.
  std::optional<std::size_t> shards = {};
  /// Null, or this process's member of a group of processes that all call fit with the same settings. Each has a part
  /// of the rows of x, y, sample_weight and validation_data, which may have no rows. Together, in the order of the
  /// ranks, they are the data set. fit first moves each row to the process that has its shard.
  ///
  /// All processes end with the same parameters, optimizer and history. Before the first step, they get the parameters,
  /// the seeds and the dropout state of rank 0. Functions are called on rank 0 only, and must not change the network or
  /// the optimizer; on_progress is called on all ranks, and its result counts on rank 0. Rank 0 saves the checkpoint,
  /// and all ranks read resume_from. If a process fails, the others throw std::runtime_error with its message. After
  /// std::bad_alloc, only the process that threw it returns to the last finished epoch.
  Communicator* communicator = nullptr;
  /// Empty, or a file that fit saves after every epoch (and after on_epoch_end), with all that resume_from needs.
  std::filesystem::path checkpoint = {};
  /// Empty, or a file with an interrupted training. fit first replaces the parameters, the optimizer's state and the
  /// schedule's memory by those of the file, and then does the remaining epochs. With the same data and options, the
  /// results have the same bits as those of a training without the interruption, and the history has all epochs.
  ///
  /// The network, the settings of optimizer and schedule, the seed, the series of the history, the number of steps per
  /// epoch and the rows of a source's windows must be those of the file. More epochs than before are allowed.
  std::filesystem::path resume_from = {};
  /// Null, or the memory of the training. fit keeps it up to date for on_begin, on_epoch_end and on_progress, so that
  /// they can save a file for resume_from.
  TrainingMemory* memory = nullptr;

  /// The settings that are numbers.
  static constexpr auto fields() {
    using O = FitOptions;
    return std::tuple{Field{"epochs", &O::epochs}, Field{"batch_size", &O::batch_size, Range::positive},
                      Field{"shuffle", &O::shuffle},
                      Field{"validation_split", &O::validation_split, Range::from_0_below_1}};
  }
};

/// The number of rows, the last ones, that fit uses for the "val_" series with this split.
/// \throws std::invalid_argument unless validation_split is 0, or in (0, 1) with at least one row on both sides
[[nodiscard]] BACKPASS_EXPORT std::size_t validation_rows(std::size_t rows, double validation_split);

/// Trains a network in mini-batches. Network::fit() calls this function.
///
/// A validation loss or a metric that is not finite is recorded and does not end fit. NaN is not an improvement for
/// early stopping and ReduceOnPlateau.
/// \param x  (B, M_0)
/// \param y  (B, M_N), or labels (B)
/// \throws DivergenceError if the loss of a step, or a parameter at the end of an epoch, is not finite
/// \throws std::bad_alloc from any part of fit
/// \throws ShapeError, std::invalid_argument for invalid arguments
/// \throws StateError if the optimizer belongs to another network
/// \throws FileError, FormatError from checkpoint and resume_from
///
/// After DivergenceError and std::bad_alloc, the parameters, the dropout state, the optimizer's state and the
/// schedule's memory are as at the end of the last finished epoch. An epoch is finished when on_epoch_end has returned.
/// Other exceptions of a callback pass through, and the network is then as after the last step.
template <class T>
BACKPASS_EXPORT History fit(Network<T>& network, ConstMatrixView<T> x, Targets<T> y, const Loss& loss,
                            OptimizerRef optimizer, const FitOptions<T>& options);

/// Trains with rows that need not fit into memory. Two windows of rows are in memory, or one if the source does not
/// read ahead. A window is shuffled as the rows of the other overload, so one window with all rows gives the same
/// results.
///
/// Metrics are computed for FitOptions::validation_data only: those of the training would need a second pass over the
/// rows. sample_weight, validation_split and communicator of the options cannot be used.
/// \throws as the other overload, and any exception of the source; the network is then as after the last step
template <class T>
BACKPASS_EXPORT History fit(Network<T>& network, RowSource<T>& rows, const Loss& loss, OptimizerRef optimizer,
                            const FitOptions<T>& options);

extern template History fit(Network<float>&, ConstMatrixView<float>, Targets<float>, const Loss&, OptimizerRef,
                            const FitOptions<float>&);
extern template History fit(Network<double>&, ConstMatrixView<double>, Targets<double>, const Loss&, OptimizerRef,
                            const FitOptions<double>&);
extern template History fit(Network<float>&, RowSource<float>&, const Loss&, OptimizerRef, const FitOptions<float>&);
extern template History fit(Network<double>&, RowSource<double>&, const Loss&, OptimizerRef, const FitOptions<double>&);

}  // namespace backpass

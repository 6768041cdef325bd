#include <backpass/trainer.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <new>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

#include <backpass/error.hpp>
#include <backpass/serialize.hpp>

#include "base/checked.hpp"
#include "base/floating_point_mode.hpp"
#include "base/require.hpp"
#include "base/shuffle.hpp"
#include "base/streams.hpp"
#include "base/text.hpp"
#include "pass/network_access.hpp"
#include "runtime/interrupt.hpp"
#include "train/custom_batch.hpp"
#include "train/evaluation.hpp"
#include "train/monitor.hpp"
#include "train/resume.hpp"
#include "train/scheduled.hpp"
#include "train/snapshot.hpp"

namespace backpass {

const std::vector<double>& History::operator[](std::string_view name) const {
  for (const auto& [key, values] : series) {
    if (key == name) {
      return values;
    }
  }
  throw std::out_of_range("history has no series \"" + std::string(name) + "\"");
}

namespace train {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

template <class T>
bool all_finite(std::span<const T> values) {
  constexpr std::size_t kOperations = 4;
  bool finite = true;
  runtime::in_parts(values.size(), kOperations, [&](std::size_t begin, std::size_t end) {
    const std::span<const T> part = values.subspan(begin, end - begin);
    finite = finite && std::all_of(part.begin(), part.end(), [](T value) { return std::isfinite(value); });
  });
  return finite;
}

template <class T>
class Fit {
 public:
  Fit(Network<T>& network, ConstMatrixView<T> x, const Targets<T>& y, const Loss& loss, OptimizerRef optimizer,
      const FitOptions<T>& options);
  History run();

 private:
  /// The rest of an epoch, with its validation and its entry in the history.
  /// \returns false if a callback stopped it
  bool run_epoch(std::size_t epoch);
  bool run_steps(std::size_t epoch);
  /// One step.
  /// \param rows           (B), row numbers in x_
  /// \param dropout_scale  the factor on the dropout rates; empty: 1
  /// \returns E before the update
  double train_batch(std::span<const std::uint32_t> rows, std::optional<double> dropout_scale);
  /// The sum of the sample weights. \param rows  (B), row numbers in x_
  [[nodiscard]] double weight_of(std::span<const std::uint32_t> rows) const;
  void shuffle_rows(std::size_t epoch);
  /// Computes the metrics and the validation loss, and appends the epoch to the history.
  /// \returns false if a callback stopped it; the history has not changed then
  bool record(std::size_t epoch, Clock::time_point start);
  /// Calls on_progress, unless the last call was less than 50 ms ago. \returns true if on_progress stops fit
  bool stopped(std::size_t epoch, std::size_t rows_done);
  History run_epochs();
  void take_last_finite();
  void restore_last_finite() noexcept;
  void take_best();
  /// \returns whether the best parameters are known
  bool restore_best();
  [[nodiscard]] std::size_t batches() const noexcept {
    return order_.size() / options_.batch_size + (order_.size() % options_.batch_size == 0 ? 0 : 1);
  }
  /// What the user should change: values in x or y that are not finite, or else the learning rate.
  [[nodiscard]] std::string cause_text() const;
  [[noreturn]] void diverged(std::size_t epoch, std::size_t batch, const std::string& what);
  [[nodiscard]] History empty_history() const;
  void start(std::size_t steps);
  /// The mean loss over the rows of this epoch's steps so far.
  [[nodiscard]] double epoch_loss() const noexcept {
    const TrainingPosition& at = memory_.position;
    return at.weight_sum > 0.0 ? at.loss_sum / at.weight_sum : 0.0;
  }
  /// The schedules, each with its memory, or null.
  [[nodiscard]] Schedules schedules() noexcept {
    return {options_.schedule, pointer_to(memory_.dropout_schedule), pointer_to(memory_.weight_decay_schedule)};
  }
  std::vector<double>& series(std::size_t i) { return memory_.history.series[i].second; }

  Network<T>& network_;
  ConstMatrixView<T> x_;  ///< x_, y_ and sample_weight_ do not include the rows split off for validation
  Targets<T> y_;
  std::span<const T> sample_weight_;
  const Loss& loss_;
  OptimizerRef optimizer_;
  const FitOptions<T>& options_;
  ScheduledSettings scheduled_;
  std::optional<Evaluation<T>> training_, validation_;
  std::optional<CustomBatch<T>> custom_batch_;
  std::vector<std::uint32_t> order_;
  TrainingSnapshot<T> last_finite_;
  TrainingPosition position_of_last_finite_;
  bool within_epoch_ = false;  ///< true until on_epoch_end has returned
  TrainingMemory own_memory_;
  TrainingMemory& memory_;  ///< the caller's object, or own_memory_
  std::optional<Monitor> monitor_;
  model::RowMean epoch_mean_{0.0};  ///< the mean over the rows of an epoch
  Clock::time_point last_report_ = Clock::now();
};

template <class T>
Fit<T>::Fit(Network<T>& network, ConstMatrixView<T> x, const Targets<T>& y, const Loss& loss, OptimizerRef optimizer,
            const FitOptions<T>& options)
    : network_(network),
      x_(x),
      y_(y),
      sample_weight_(options.sample_weight),
      loss_(loss),
      optimizer_(optimizer),
      options_(options),
      scheduled_(optimizer, options.weight_decay_schedule.has_value()),
      memory_(options.memory == nullptr ? own_memory_ : *options.memory) {
  NetworkAccess::check_input<T>(network, x);
  NetworkAccess::check_loss<T>(network, loss, x.rows(), y, sample_weight_);
  if (!sample_weight_.empty()) {
    model::reciprocal_weight_sum(sample_weight_, x.rows());  // throws if a weight is invalid
  }
  require_fields(options);
  require_fields(options.gradient);
  NetworkAccess::check_step(network, optimizer);
  const std::size_t held_out = validation_rows(x.rows(), options.validation_split);
  require(!(options.validation_split > 0.0 && options.validation_data),
          "validation_data and validation_split cannot both be given");
  require(x.rows() <= std::numeric_limits<std::uint32_t>::max(), "x has more than 2^32 - 1 rows");
  if (options.schedule != nullptr) {
    validate(*options.schedule);
  }
  for (const auto* schedule : {&options.dropout_schedule, &options.weight_decay_schedule}) {
    if (*schedule) {
      validate(**schedule);
    }
  }

  if (held_out > 0) {
    const std::size_t kept = x.rows() - held_out;
    const auto weights = sample_weight_.empty() ? sample_weight_ : sample_weight_.subspan(kept);
    validation_.emplace(network, x.middle_rows(kept, held_out), y.middle_rows(kept, held_out), loss, weights, options);
    x_ = x.middle_rows(0, kept);
    y_ = y.middle_rows(0, kept);
    sample_weight_ = sample_weight_.empty() ? sample_weight_ : sample_weight_.subspan(0, kept);
  } else if (options.validation_data) {
    const auto& [vx, vy] = *options.validation_data;
    NetworkAccess::check_input<T>(network, vx, "validation_data: ");
    NetworkAccess::check_loss<T>(network, loss, vx.rows(), vy, {}, "validation_data: ");
    validation_.emplace(network, vx, vy, loss, std::span<const T>{}, options);
  }
  training_.emplace(network, x_, y_, loss, sample_weight_, options);
  if (std::holds_alternative<CustomLoss>(loss)) {
    custom_batch_.emplace(x_, y_);
  }
  order_.resize(x_.rows());
  const std::size_t steps = checked_mul(batches(), options.epochs).value_or(SIZE_MAX);
  constexpr std::size_t kMost = std::numeric_limits<std::int64_t>::max();
  require(steps <= kMost && options.epochs <= kMost, "epochs, or the steps of all epochs, are more than 2^63 - 1");
  start(steps);
  std::iota(order_.begin(), order_.end(), 0U);
  const double weights = weight_of(order_);
  epoch_mean_ = model::RowMean(weights > 0.0 ? 1.0 / weights : 0.0);
}

/// A deep copy whose ReduceOnPlateau has seen no epoch.
std::optional<Schedule> fresh_copy(const std::optional<Schedule>& schedule) {
  std::optional<Schedule> copy;
  if (schedule) {
    copy = copy_schedule(*schedule);
    reset(*copy);
  }
  return copy;
}

/// Makes the memory of a new training, or takes the training of a file. If this throws, nothing has changed.
/// \param steps  of all epochs
template <class T>
void Fit<T>::start(std::size_t steps) {
  constexpr std::size_t kReserved = 4096;  // the first epochs of a fit append to the history without an allocation
  TrainingMemory memory;
  memory.seed = options_.seed.value_or(0);
  memory.base_lr = scheduled_.base_lr();
  memory.base_weight_decay = scheduled_.base_weight_decay().value_or(0.0);
  memory.dropout_schedule = fresh_copy(options_.dropout_schedule);
  memory.weight_decay_schedule = fresh_copy(options_.weight_decay_schedule);
  memory.history = empty_history();
  const ResumeTarget<T> target{network_, optimizer_, options_.schedule, memory.history, batches(), options_};
  std::optional<SavedTraining<T>> saved;
  if (!options_.resume_from.empty()) {
    saved = load_training(target);
    memory = std::move(saved->memory);
  }
  for (auto& [name, values] : memory.history.series) {
    values.reserve(std::max(values.size(), std::min(options_.epochs, kReserved)));
  }
  if (options_.early_stopping) {
    monitor_.emplace(*options_.early_stopping, memory);
    memory.monitor = options_.early_stopping->monitor;
    if (options_.early_stopping->restore_best) {
      memory.template parameters<T>().reserve(network_.num_parameters());
    }
  }
  scheduled_.prepare(options_.schedule, memory, steps, options_.epochs);
  // The rest does not throw.
  if (saved) {
    restore(*saved, target);
  } else if (options_.schedule != nullptr) {
    reset(*options_.schedule);
  }
  memory_ = std::move(memory);
  // Follow the caller's schedule and not a copy: a callback may read and change the memory of a ReduceOnPlateau.
  scheduled_.follow(options_.schedule, memory_);
}

/// The series of this training, without numbers.
template <class T>
History Fit<T>::empty_history() const {
  History history;
  const auto add = [&](const std::string& name) {
    require(std::none_of(history.series.begin(), history.series.end(),
                         [&](const auto& series) { return series.first == name; }),
            "metrics: the history would have two series \"" + name + "\"");
    history.series.emplace_back(name, std::vector<double>());
  };
  for (const std::string& prefix : {std::string(), std::string("val_")}) {
    if (!prefix.empty() && !validation_) {
      continue;
    }
    add(prefix + "loss");
    for (const Metric metric : options_.metrics) {
      add(prefix + std::string(metric_name(metric)));
    }
    for (const CustomMetric<T>& metric : options_.custom_metrics) {
      add(prefix + metric.name);
    }
  }
  add("lr");
  add("seconds");
  return history;
}

template <class T>
History Fit<T>::run() {
  if (options_.on_begin) {
    in_callers_mode(options_.on_begin, BeginReport{memory_.position.epochs, order_.size()});
  }
  take_last_finite();
  try {
    return run_epochs();
  } catch (const std::bad_alloc&) {
    if (within_epoch_) {
      restore_last_finite();
    }
    throw;
  }
}

template <class T>
void Fit<T>::take_last_finite() {
  last_finite_.take(network_, optimizer_, schedules());
  position_of_last_finite_ = memory_.position;
}

template <class T>
void Fit<T>::restore_last_finite() noexcept {
  last_finite_.restore(network_, optimizer_, schedules());
  memory_.position = position_of_last_finite_;
  memory_.history.epochs = memory_.position.epochs;
  for (auto& [name, values] : memory_.history.series) {
    values.resize(std::min(values.size(), memory_.position.epochs));
  }
}

template <class T>
void Fit<T>::take_best() {
  const auto p = std::as_const(network_).parameters();
  memory_.template parameters<T>().assign(p.begin(), p.end());
  const auto dropout = network_.dropout_state();
  memory_.dropout_seed = dropout.seed;
  memory_.dropout_pass = dropout.pass;
}

template <class T>
bool Fit<T>::restore_best() {
  const std::vector<T>& best = memory_.template parameters<T>();
  // The vector is empty if the training was resumed and its earlier part did not keep parameters.
  if (best.empty()) {
    return false;
  }
  std::copy(best.begin(), best.end(), network_.parameters().begin());
  network_.set_dropout_state({memory_.dropout_seed, memory_.dropout_pass});
  return true;
}

template <class T>
History Fit<T>::run_epochs() {
  const std::size_t& epoch = memory_.position.epochs;
  bool stop = monitor_ && monitor_->is_over(memory_);
  while (epoch < options_.epochs && !stop) {
    within_epoch_ = true;
    if (!run_epoch(epoch)) {
      break;
    }
    // Call on_epoch_end before parameters are restored: it may read the network of this epoch.
    stop = options_.on_epoch_end &&
           in_callers_mode(options_.on_epoch_end, EpochReport{epoch - 1, options_.epochs, memory_.history});
    within_epoch_ = false;
    if (!options_.checkpoint.empty()) {
      save(options_.checkpoint, network_, {.optimizer = optimizer_, .schedule = options_.schedule, .memory = &memory_});
    }
    stop = stop || (monitor_ && monitor_->is_over(memory_));
    // Take the snapshot after the callback, which may have changed the parameters. If a later epoch fails, the network
    // returns to this snapshot.
    if (epoch < options_.epochs && !stop) {
      take_last_finite();
    }
  }
  History history = memory_.history;
  history.stopped_early = epoch < options_.epochs;
  if (monitor_ && memory_.best) {
    history.best_epoch = memory_.best_epoch;
    history.restored_best = monitor_->settings().restore_best && restore_best();
  }
  return history;
}

template <class T>
bool Fit<T>::run_epoch(std::size_t epoch) {
  const Clock::time_point start = Clock::now();
  if (!run_steps(epoch) || !record(epoch, start)) {
    return false;
  }
  TrainingPosition& at = memory_.position;
  at = {.epochs = epoch + 1, .steps = at.steps};
  if (monitor_ && monitor_->observe(epoch, memory_.history[monitor_->settings().monitor].back(), memory_) &&
      monitor_->settings().restore_best) {
    take_best();
  }
  return true;
}

template <class T>
bool Fit<T>::run_steps(std::size_t epoch) {
  shuffle_rows(epoch);
  TrainingPosition& at = memory_.position;
  while (at.epoch_steps < batches()) {
    const std::size_t first = at.epoch_steps * options_.batch_size;
    const std::size_t count = std::min(options_.batch_size, order_.size() - first);
    const std::span<const std::uint32_t> rows(order_.data() + first, count);
    scheduled_.set(epoch, at.steps);
    at.lr = at.epoch_steps == 0 ? optimizer_.lr() : at.lr;
    runtime::poll(count * network_.num_parameters());  // an interrupt ends fit between two steps
    const double value = train_batch(rows, scheduled_.dropout_scale(epoch, at.steps));
    if (!std::isfinite(value)) {
      diverged(epoch, at.epoch_steps, std::isnan(value) ? "the loss became nan" : "the loss became infinite");
    }
    ++at.steps;
    ++at.epoch_steps;
    const double weight = weight_of(rows);
    at.loss_sum += epoch_mean_.term(weight, value);
    at.weight_sum += epoch_mean_.term(weight, 1.0);
    if (stopped(epoch, first + count)) {
      return false;
    }
  }
  if (!all_finite(std::as_const(network_).parameters())) {
    diverged(epoch, batches() - 1, "a parameter became infinite or nan");
  }
  return true;
}

template <class T>
bool Fit<T>::stopped(std::size_t epoch, std::size_t rows_done) {
  constexpr double kReportSeconds = 0.05;  // 20 reports per second look continuous
  if (!options_.on_progress || seconds_since(last_report_) < kReportSeconds) {
    return false;
  }
  last_report_ = Clock::now();
  return in_callers_mode(options_.on_progress, ProgressReport{epoch, rows_done, order_.size(), epoch_loss()});
}

template <class T>
double Fit<T>::train_batch(std::span<const std::uint32_t> rows, std::optional<double> dropout_scale) {
  std::optional<DropoutScale<T>> scaled;
  if (dropout_scale) {
    scaled.emplace(network_, *dropout_scale);
  }
  if (custom_batch_) {
    custom_batch_->gather(rows);
    return network_.train_step(custom_batch_->x(), custom_batch_->y(), loss_, optimizer_, {}, options_.gradient);
  }
  return NetworkAccess::train_rows(network_, x_, y_, sample_weight_, rows, loss_, optimizer_, options_.gradient);
}

template <class T>
double Fit<T>::weight_of(std::span<const std::uint32_t> rows) const {
  if (sample_weight_.empty()) {
    return static_cast<double>(rows.size());
  }
  return std::accumulate(rows.begin(), rows.end(), 0.0,
                         [&](double sum, std::uint32_t row) { return sum + static_cast<double>(sample_weight_[row]); });
}

template <class T>
void Fit<T>::shuffle_rows(std::size_t epoch) {
  std::iota(order_.begin(), order_.end(), 0U);
  if (options_.shuffle) {
    constexpr std::size_t kOperations = 64;  // an exchange is a random number and a cache miss
    const Philox random(*memory_.seed, shuffle_stream(epoch));
    std::span<std::uint32_t> left(order_);
    runtime::in_parts(order_.size(), kOperations, [&](std::size_t begin, std::size_t end) {
      shuffle_last(left, end - begin, random);
      left = left.first(left.size() - (end - begin));
    });
  }
}

template <class T>
bool Fit<T>::record(std::size_t epoch, Clock::time_point start) {
  const auto stop = [&] { return stopped(epoch, order_.size()); };
  if (!training_->update_metrics(network_, stop) ||
      (validation_ && !(validation_->update_loss(network_, stop) && validation_->update_metrics(network_, stop)))) {
    return false;
  }
  std::size_t i = 0;
  const auto add = [&](const Evaluation<T>& evaluation, double loss) {
    series(i++).push_back(loss);
    for (std::size_t m = 0; m < options_.metrics.size(); ++m) {
      series(i++).push_back(evaluation.metric(m));
    }
    for (std::size_t m = 0; m < options_.custom_metrics.size(); ++m) {
      series(i++).push_back(evaluation.custom_metric(m));
    }
    return loss;
  };
  double monitored = add(*training_, epoch_loss());
  if (validation_) {
    monitored = add(*validation_, validation_->loss());
  }
  series(i++).push_back(memory_.position.lr);
  series(i++).push_back(seconds_since(start));
  ++memory_.history.epochs;
  scheduled_.observe(monitored);
  return true;
}

/// "name[3, 1] is nan": the first element that is not finite; empty if there is none.
template <class T>
std::string not_finite_text(const char* name, ConstMatrixView<T> matrix) {
  for (std::size_t r = 0; r < matrix.rows(); ++r) {
    for (std::size_t c = 0; c < matrix.cols(); ++c) {
      if (const T value = matrix(r, c); !std::isfinite(value)) {
        return element_text(name, r, c) + " is " + number_text(value) +
               (std::isinf(value) ? std::string(" as a ") + type_name<T> : "");
      }
    }
    runtime::poll(matrix.cols());
  }
  return "";
}

template <class T>
std::string Fit<T>::cause_text() const {
  std::string found = not_finite_text("x", x_);
  if (found.empty() && !y_.are_labels()) {
    found = not_finite_text("y", y_.values());
  }
  if (found.empty() && !all_finite(std::as_const(network_).parameters())) {
    return "A parameter was not finite before that epoch: call initialize() or load a network";
  }
  return found.empty() ? "Try a smaller lr, clip_norm=1 or standardised inputs"
                       : found + ": remove such rows, or replace such values";
}

template <class T>
void Fit<T>::diverged(std::size_t epoch, std::size_t batch, const std::string& what) {
  const double lr = optimizer_.lr();
  restore_last_finite();
  // The message counts from 1, like the progress bar. The members of the error count from 0.
  throw DivergenceError(what + " in epoch " + std::to_string(epoch + 1) + ", batch " + std::to_string(batch + 1) +
                            " (lr " + number_text(lr) + "); the network is restored to its state before that epoch. " +
                            cause_text(),
                        epoch, batch);
}

}  // namespace
}  // namespace train

std::size_t validation_rows(std::size_t rows, double validation_split) {
  const std::string text = "validation_split of " + number_text(validation_split);
  require(validation_split >= 0.0 && validation_split < 1.0, text + " is not in [0, 1)");
  // 1e-9 corrects for rounding: 0.29 · 100 rows must give 29, but the product in binary is slightly smaller.
  const auto held_out = static_cast<std::size_t>(std::floor(validation_split * static_cast<double>(rows) + 1e-9));
  require(validation_split == 0.0 || (held_out > 0 && held_out < rows),
          text + " leaves " + std::to_string(held_out) + " of " + std::to_string(rows) + " rows for validation");
  return held_out;
}

template <class T>
History fit(Network<T>& network, ConstMatrixView<T> x, Targets<T> y, const Loss& loss, OptimizerRef optimizer,
            const FitOptions<T>& options) {
  return in_own_mode([&] { return train::Fit<T>(network, x, y, loss, optimizer, options).run(); });
}

template <class T>
History Network<T>::fit(ConstMatrixView<T> x, Targets<T> y, const Loss& loss, OptimizerRef optimizer,
                        const FitOptions<T>& options) {
  return backpass::fit(*this, x, y, loss, optimizer, options);
}

#define BACKPASS_INSTANTIATE(T)                                                                                       \
  template History fit(Network<T>&, ConstMatrixView<T>, Targets<T>, const Loss&, OptimizerRef, const FitOptions<T>&); \
  template History Network<T>::fit(ConstMatrixView<T>, Targets<T>, const Loss&, OptimizerRef, const FitOptions<T>&);
BACKPASS_INSTANTIATE(float)
BACKPASS_INSTANTIATE(double)
#undef BACKPASS_INSTANTIATE

}  // namespace backpass

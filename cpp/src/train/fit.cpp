#include "train/fit.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <new>
#include <numeric>
#include <stdexcept>
#include <utility>

#include <backpass/error.hpp>

#include "base/checked.hpp"
#include "base/floating_point_mode.hpp"
#include "base/require.hpp"
#include "base/text.hpp"
#include "pass/network_access.hpp"
#include "runtime/interrupt.hpp"
#include "train/divergence.hpp"

namespace backpass::train {
namespace {

/// A process has stopped the training before the update of a step.
class Stopped : public std::exception {};

double seconds_of(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

constexpr std::size_t kDefaultShards = 8;  ///< with a communicator

/// A deep copy whose ReduceOnPlateau has seen no epoch.
std::optional<Schedule> fresh_copy(const std::optional<Schedule>& schedule) {
  std::optional<Schedule> copy;
  if (schedule) {
    copy = copy_schedule(*schedule);
    reset(*copy);
  }
  return copy;
}

}  // namespace

template <class T>
Fit<T>::Fit(Network<T>& network, ConstMatrixView<T> x, const Targets<T>& y, const Loss& loss, OptimizerRef optimizer,
            const FitOptions<T>& options, Group& group, RowSource<T>* source)
    : network_(network),
      group_(group),
      source_(source),
      x_(x),
      y_(y),
      sample_weight_(options.sample_weight),
      loss_(loss),
      optimizer_(optimizer),
      options_(options),
      given_x_(x),
      given_y_(y),
      scheduled_(optimizer, options.weight_decay_schedule.has_value()),
      memory_(options.memory == nullptr ? own_memory_ : *options.memory) {
  if (source != nullptr) {
    check_source();
  } else {
    NetworkAccess::check_input<T>(network, x);
    if (group.is_alone() || x.rows() > 0) {
      NetworkAccess::check_loss<T>(network, loss, x.rows(), y, sample_weight_);
    }
  }
  require_fields(options);
  require_fields(options.gradient);
  if (!options.resume_from.empty()) {
    saved_ = load_checkpoint<T>(options.resume_from);
  }
  const std::size_t usual = options.communicator == nullptr ? 1 : kDefaultShards;
  shards_ = options.shards.value_or(saved_ ? saved_->memory.shards : usual);
  pass::check_shards(shards_, loss);
  require(group.size() <= shards_,
          "shards = " + std::to_string(shards_) + ", but there are " + std::to_string(group.size()) +
              " processes: each needs at least one shard; use shards=" + std::to_string(group.size()));
  NetworkAccess::check_step(network, optimizer);
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
  if (options.validation_data) {
    const auto& [vx, vy] = *options.validation_data;
    NetworkAccess::check_input<T>(network, vx, "validation_data: ");
    if (group.is_alone() || vx.rows() > 0) {
      NetworkAccess::check_loss<T>(network, loss, vx.rows(), vy, {}, "validation_data: ");
    }
  }
  // All that follows needs the same calls of all processes.
  group.require_same("other settings", settings_of(resume_target(), loss));
  take_data({x, y, sample_weight_, !sample_weight_.empty()});
  if (std::holds_alternative<CustomLoss>(loss)) {
    custom_batch_.emplace(x_, y_);
  }
  order_.resize(x_.rows());
  const std::size_t steps = checked_mul(batches(), options.epochs).value_or(SIZE_MAX);
  constexpr std::size_t kMost = std::numeric_limits<std::int64_t>::max();
  require(steps <= kMost && options.epochs <= kMost, "epochs, or the steps of all epochs, are more than 2^63 - 1");
  prepare(steps);
  std::iota(order_.begin(), order_.end(), 0U);
  const double weights = weight_of_epoch();
  epoch_mean_ = model::RowMean(weights > 0.0 ? 1.0 / weights : 0.0);
  group.reserve<T>(network.num_parameters());
  group.agree();  // no process changes anything before all have come here
}

/// Makes the memory of a new training, or loads the training of a file. Does everything of begin() that may throw.
/// \param steps  of all epochs
template <class T>
void Fit<T>::prepare(std::size_t steps) {
  constexpr std::size_t kReserved = 4096;  // the first epochs of a fit append to the history without an allocation
  TrainingMemory& memory = prepared_;
  memory.seed = options_.seed.value_or(0);
  memory.shards = shards_;
  memory.window_rows = kept_window_rows();
  memory.base_lr = scheduled_.base_lr();
  memory.base_weight_decay = scheduled_.base_weight_decay().value_or(0.0);
  memory.dropout_schedule = fresh_copy(options_.dropout_schedule);
  memory.weight_decay_schedule = fresh_copy(options_.weight_decay_schedule);
  memory.history = empty_history();
  if (saved_) {
    check_training(*saved_, resume_target());
    memory = std::move(saved_->memory);
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
    const bool validates = !prefix.empty();
    if (validates && !validation_) {
      continue;
    }
    add(prefix + "loss");
    if (!validates && !training_) {
      continue;
    }
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
  begin();
  try {
    while (!over_) {
      advance(Clock::time_point::max());
    }
    check_same_state();
    History history = finish();
    group_.agree();  // the last call: an error up to here reaches the other processes
    return history;
  } catch (const std::bad_alloc&) {
    recover();
    throw;
  }
}

template <class T>
void Fit<T>::begin() {
  if (saved_) {
    restore(*saved_, resume_target());
    saved_.reset();
  } else if (options_.schedule != nullptr) {
    reset(*options_.schedule);
  }
  memory_ = std::move(prepared_);
  // Follow the caller's schedule and not a copy: a callback may read and change the memory of a ReduceOnPlateau.
  scheduled_.follow(options_.schedule, memory_);
  synchronise();
  over_ = agree_to_stop(memory_.position.epochs >= options_.epochs || (monitor_ && monitor_->is_over(memory_)));
  if (options_.on_begin && group_.rank() == 0) {
    in_callers_mode(options_.on_begin, BeginReport{memory_.position.epochs, rows()});
  }
}

template <class T>
void Fit<T>::advance(Clock::time_point until) {
  const Clock::time_point start = Clock::now();
  const std::size_t epoch = memory_.position.epochs;
  if (!within_epoch_) {
    // Take the snapshot after the callback of the last epoch, which may have changed the parameters. If this epoch
    // fails, the network returns to this snapshot.
    check_same_state();
    take_last_finite();
    within_epoch_ = true;
    epoch_time_ = {};
    begin_rows(epoch);
  }
  const Steps steps = run_steps(epoch, until);
  if (steps == Steps::some) {
    epoch_time_ += Clock::now() - start;
    return;
  }
  if (steps == Steps::stopped || !end_epoch(epoch, start)) {
    over_ = true;
    return;
  }
  // Call on_epoch_end before parameters are restored: it may read the network of this epoch.
  const bool calls = options_.on_epoch_end && group_.rank() == 0;
  const bool stop =
      calls && in_callers_mode(options_.on_epoch_end, EpochReport{epoch, options_.epochs, memory_.history});
  within_epoch_ = false;
  if (!options_.checkpoint.empty() && group_.rank() == 0) {
    save(options_.checkpoint, network_, {.optimizer = optimizer_, .schedule = options_.schedule, .memory = &memory_});
  }
  over_ = agree_to_stop(stop || memory_.position.epochs >= options_.epochs || (monitor_ && monitor_->is_over(memory_)));
}

template <class T>
History Fit<T>::finish() {
  History history = memory_.history;
  history.stopped_early = memory_.position.epochs < options_.epochs;
  if (monitor_ && memory_.best) {
    history.best_epoch = memory_.best_epoch;
    history.restored_best = monitor_->settings().restore_best && restore_best();
  }
  return history;
}

template <class T>
void Fit<T>::recover() noexcept {
  if (within_epoch_) {
    restore_last_finite();
  }
}

template <class T>
double Fit<T>::rows_left() const noexcept {
  const TrainingPosition& at = memory_.position;
  const auto epochs = static_cast<double>(options_.epochs) - static_cast<double>(at.epochs);
  const std::size_t done = std::min(rows(), at.epoch_steps * options_.batch_size);
  return epochs * static_cast<double>(rows()) - static_cast<double>(done);
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
bool Fit<T>::end_epoch(std::size_t epoch, Clock::time_point start) {
  if (!record(epoch, start)) {
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
typename Fit<T>::Steps Fit<T>::run_steps(std::size_t epoch, Clock::time_point until) {
  TrainingPosition& at = memory_.position;
  while (at.epoch_steps < batches()) {
    const std::size_t batch = at.epoch_steps;
    if (source_ != nullptr) {
      read_window_of(epoch, batch);
    }
    scheduled_.set(epoch, at.steps);
    at.lr = batch == 0 ? optimizer_.lr() : at.lr;
    runtime::poll(rows_of(batch).size() * network_.num_parameters());  // an interrupt ends fit between two steps
    double value = 0.0;
    try {
      value = train_batch(batch, scheduled_.dropout_scale(epoch, at.steps));
    } catch (const Stopped&) {
      return Steps::stopped;
    }
    if (!std::isfinite(value)) {
      diverged(epoch, batch, std::isnan(value) ? "the loss became nan" : "the loss became infinite");
    }
    ++at.steps;
    ++at.epoch_steps;
    const double weight = weight_of(batch);
    at.loss_sum += epoch_mean_.term(weight, value);
    at.weight_sum += epoch_mean_.term(weight, 1.0);
    if (stopped(epoch, std::min(rows(), at.epoch_steps * options_.batch_size))) {
      return Steps::stopped;
    }
    if (until != Clock::time_point::max() && Clock::now() >= until && at.epoch_steps < batches()) {
      return Steps::some;
    }
  }
  if (source_ != nullptr && !(at.weight_sum > 0.0)) {
    restore_last_finite();
    throw std::invalid_argument("sample_weight: all weights are zero");
  }
  if (!all_finite(std::as_const(network_).parameters())) {
    diverged(epoch, batches() - 1, "a parameter became infinite or nan");
  }
  return Steps::all;
}

template <class T>
bool Fit<T>::stopped(std::size_t epoch, std::size_t rows_done) {
  constexpr double kReportSeconds = 0.05;  // 20 reports per second look continuous
  if (!options_.on_progress || seconds_of(Clock::now() - last_report_) < kReportSeconds) {
    return false;
  }
  last_report_ = Clock::now();
  const bool stop = in_callers_mode(options_.on_progress, ProgressReport{epoch, rows_done, rows(), epoch_loss()});
  stop_requested_ = stop_requested_ || (stop && group_.rank() == 0);
  return stop && group_.is_alone();
}

template <class T>
double Fit<T>::train_batch(std::size_t batch, std::optional<double> dropout_scale) {
  std::optional<DropoutScale<T>> scaled;
  if (dropout_scale) {
    scaled.emplace(network_, *dropout_scale);
  }
  const std::span<const std::uint32_t> rows = rows_of(batch);
  if (custom_batch_) {
    custom_batch_->gather(rows);
    return network_.train_step(custom_batch_->x(), custom_batch_->y(), loss_, optimizer_, {}, options_.gradient);
  }
  const auto combine = [this](std::span<T> gradients, double terms) {
    const auto [sum, stop] = group_.agree(terms, stop_requested_);
    if (stop) {
      throw Stopped();
    }
    group_.sum_agreed(gradients);
    return sum;
  };
  pass::Division<T> division{partition_.shards(batch)};
  if (!group_.is_alone()) {
    division.weight_sum = weight_of(batch);
    division.combine = combine;
  }
  return NetworkAccess::train_rows(network_, x_, y_, sample_weight_, rows, loss_, optimizer_, options_.gradient,
                                   division);
}

template <class T>
bool Fit<T>::record(std::size_t epoch, Clock::time_point start) {
  const auto stop = [&] { return stopped(epoch, rows()); };
  if ((training_ && !training_->update_metrics(network_, stop)) ||
      (validation_ && !(validation_->update_loss(network_, stop) && validation_->update_metrics(network_, stop)))) {
    return false;
  }
  if (agree_to_stop(false)) {
    return false;
  }
  std::size_t i = 0;
  double monitored = 0.0;
  const auto add = [&](const std::optional<Evaluation<T>>& evaluation, double loss) {
    monitored = loss;
    series(i++).push_back(loss);
    for (std::size_t m = 0; evaluation && m < options_.metrics.size(); ++m) {
      series(i++).push_back(evaluation->metric(m));
    }
    for (std::size_t m = 0; evaluation && m < options_.custom_metrics.size(); ++m) {
      series(i++).push_back(evaluation->custom_metric(m));
    }
  };
  add(training_, epoch_loss());
  if (validation_) {
    add(validation_, validation_->loss());
  }
  series(i++).push_back(memory_.position.lr);
  double seconds = seconds_of(epoch_time_ + (Clock::now() - start));
  group_.broadcast(std::as_writable_bytes(std::span(&seconds, 1)));
  series(i++).push_back(seconds);
  ++memory_.history.epochs;
  scheduled_.observe(monitored);
  return true;
}

template <class T>
void Fit<T>::diverged(std::size_t epoch, std::size_t batch, const std::string& what) {
  const double lr = optimizer_.lr();
  restore_last_finite();
  // The message counts from 1, like the progress bar. The members of the error count from 0.
  throw DivergenceError(what + " in epoch " + std::to_string(epoch + 1) + ", batch " + std::to_string(batch + 1) +
                            " (lr " + number_text(lr) + "); the network is restored to its state before that epoch. " +
                            cause_text<T>(given_x_, given_y_, std::as_const(network_).parameters(), place_),
                        epoch, batch);
}

template class Fit<float>;
template class Fit<double>;

}  // namespace backpass::train

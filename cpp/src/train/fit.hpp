/// The training of one network. It can be advanced in turns, so that an ensemble shares threads among its members.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <backpass/random.hpp>
#include <backpass/row_source.hpp>
#include <backpass/serialize.hpp>
#include <backpass/trainer.hpp>

#include "model/loss_plan.hpp"
#include "train/custom_batch.hpp"
#include "train/evaluation.hpp"
#include "train/group.hpp"
#include "train/monitor.hpp"
#include "train/move_rows.hpp"
#include "train/partition.hpp"
#include "train/resume.hpp"
#include "train/scheduled.hpp"
#include "train/snapshot.hpp"

namespace backpass::train {

using Clock = std::chrono::steady_clock;

template <class T>
class Fit {
 public:
  /// Checks all arguments, and loads the training of resume_from. Changes none of them.
  /// \param group   the processes of FitOptions::communicator
  /// \param source  null, or the rows of the training; x and y then have no rows
  Fit(Network<T>& network, ConstMatrixView<T> x, const Targets<T>& y, const Loss& loss, OptimizerRef optimizer,
      const FitOptions<T>& options, Group& group, RowSource<T>* source = nullptr);
  Fit(const Fit&) = delete;
  Fit& operator=(const Fit&) = delete;

  /// The whole training.
  History run();

  // The parts of run(), which calls them in this order. Other threads may make the calls, one after another.

  /// Resets the schedules, or replaces network, optimizer and schedules by those of the file.
  void begin();
  [[nodiscard]] bool is_over() const noexcept { return over_; }
  /// Trains until the end of the epoch, or until a step ends after `until`. Requires !is_over().
  void advance(Clock::time_point until);
  /// Restores the best parameters of early stopping.
  History finish();
  /// After an exception: restores the end of the last finished epoch, if an epoch is unfinished.
  void recover() noexcept;

  [[nodiscard]] const TrainingMemory& memory() const noexcept { return memory_; }
  [[nodiscard]] const FitOptions<T>& options() const noexcept { return options_; }
  /// The rows of an epoch.
  [[nodiscard]] std::size_t rows() const noexcept { return partition_.all_rows(); }
  /// The rows of all epochs that this training still has to do, unless it stops early. A double, because the product
  /// may be larger than a std::size_t.
  [[nodiscard]] double rows_left() const noexcept;
  /// The mean loss over the rows of this epoch's steps so far; 0 without a step.
  [[nodiscard]] double epoch_loss() const noexcept {
    const TrainingPosition& at = memory_.position;
    return at.weight_sum > 0.0 ? at.loss_sum / at.weight_sum : 0.0;
  }

 private:
  /// How the steps of an epoch have ended.
  enum class Steps : std::uint8_t {
    all,      ///< all steps of the epoch are done
    some,     ///< the time has passed
    stopped,  ///< a callback has stopped the training
  };
  Steps run_steps(std::size_t epoch, Clock::time_point until);
  /// One step.
  /// \param dropout_scale  the factor on the dropout rates; empty: 1
  /// \returns E before the update
  double train_batch(std::size_t batch, std::optional<double> dropout_scale);
  /// The numbers in x_ of this process's rows of a batch.
  [[nodiscard]] std::span<const std::uint32_t> rows_of(std::size_t batch) const;
  /// The sum of the sample weights of a batch.
  [[nodiscard]] double weight_of(std::size_t batch) const;
  /// The sum of the sample weights of all batches.
  [[nodiscard]] double weight_of_epoch();
  void add_batch_weights();
  /// Prepares the rows of an epoch.
  void begin_rows(std::size_t epoch);
  /// \param window  its number in the epoch, without a source 0
  void shuffle_rows(std::size_t epoch, std::size_t window = 0);
  void shuffle_part(std::size_t part, const Philox& random);
  /// Takes the rows for validation, and the rows of this process's shards.
  void take_data(const DataRows<T>& own);
  void check_source() const;
  /// Chooses the rows of a window. Follows the choice of the batches.
  void divide_into_windows();
  void begin_source(std::size_t epoch);
  /// Reads windows until x_ has the rows of a batch.
  void read_window_of(std::size_t epoch, std::size_t batch);
  /// Gives all processes the parameters, the dropout state and the seed of the first one.
  void synchronise();
  /// \throws std::invalid_argument unless all processes have the same parameters and optimizer
  void check_same_state();
  /// Agrees with the other processes on the end of an epoch or an evaluation. \returns whether the training stops
  bool agree_to_stop(bool stop);
  /// Computes the metrics and the validation loss, and appends the epoch to the history.
  /// \returns false if a callback stopped it; the history has not changed then
  bool record(std::size_t epoch, Clock::time_point start);
  /// The rest of an epoch after its steps. \returns false if a callback stopped it
  bool end_epoch(std::size_t epoch, Clock::time_point start);
  /// Calls on_progress, unless the last call was less than 50 ms ago. \returns true if on_progress stops fit
  bool stopped(std::size_t epoch, std::size_t rows_done);
  void take_last_finite();
  void restore_last_finite() noexcept;
  void take_best();
  /// \returns whether the best parameters are known
  bool restore_best();
  [[nodiscard]] std::size_t batches() const noexcept { return partition_.batches(); }
  [[noreturn]] void diverged(std::size_t epoch, std::size_t batch, const std::string& what);
  [[nodiscard]] History empty_history() const;
  void prepare(std::size_t steps);
  [[nodiscard]] ResumeTarget<T> resume_target() const {
    return {network_,  optimizer_, options_.schedule,  prepared_.history,
            batches(), shards_,    kept_window_rows(), options_};
  }
  /// TrainingMemory::window_rows.
  [[nodiscard]] std::size_t kept_window_rows() const noexcept { return window_rows_ < rows() ? window_rows_ : 0; }
  /// The schedules, each with its memory, or null.
  [[nodiscard]] Schedules schedules() noexcept {
    return {options_.schedule, pointer_to(memory_.dropout_schedule), pointer_to(memory_.weight_decay_schedule)};
  }
  std::vector<double>& series(std::size_t i) { return memory_.history.series[i].second; }

  Network<T>& network_;
  Group& group_;
  RowSource<T>* source_;
  std::optional<MovedRows<T>> moved_, moved_validation_;
  /// x_, y_ and sample_weight_ do not include the rows split off for validation. Of a source they have one window.
  ConstMatrixView<T> x_;
  Targets<T> y_;
  std::span<const T> sample_weight_;
  const Loss& loss_;
  OptimizerRef optimizer_;
  const FitOptions<T>& options_;
  ConstMatrixView<T> given_x_;  ///< the arguments of fit or the window, for messages
  Targets<T> given_y_;
  std::size_t shards_ = 1;
  Partition partition_{0, 1, 1, 0, 1};
  Partition window_{0, 1, 1, 0, 1};     ///< of the rows in x_: of partition_, without a source
  std::size_t window_rows_ = SIZE_MAX;  ///< of the windows of a source
  std::string place_;                   ///< of the window's rows, for messages; empty without a source
  std::size_t windows_read_ = 0;        ///< in this epoch
  std::size_t first_batch_ = 0;         ///< of the window
  ScheduledSettings scheduled_;
  std::optional<Evaluation<T>> training_, validation_;
  std::optional<CustomBatch<T>> custom_batch_;
  std::vector<std::uint32_t> order_;   ///< row numbers in x_, in the order of the partition
  bool weights_are_given_ = false;     ///< on a process
  std::vector<double> batch_weights_;  ///< with shards and sample weights: of each batch of this epoch
  bool stop_requested_ = false;        ///< on_progress stops the training; the other processes do not know it yet
  TrainingSnapshot<T> last_finite_;
  TrainingPosition position_of_last_finite_;
  TrainingMemory prepared_;                ///< from the constructor until begin()
  std::optional<SavedTraining<T>> saved_;  ///< likewise: the training of resume_from
  TrainingMemory own_memory_;
  TrainingMemory& memory_;  ///< the caller's object, or own_memory_
  std::optional<Monitor> monitor_;
  model::RowMean epoch_mean_{0.0};  ///< the mean over the rows of an epoch
  bool within_epoch_ = false;       ///< true until on_epoch_end has returned
  bool over_ = false;
  Clock::duration epoch_time_{};  ///< of the calls of advance() in this epoch
  Clock::time_point last_report_ = Clock::now();
};

}  // namespace backpass::train

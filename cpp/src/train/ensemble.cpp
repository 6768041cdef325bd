/// The training of an ensemble: the threads train its members in turns.
#include <backpass/ensemble.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include <backpass/error.hpp>

#include "base/floating_point_mode.hpp"
#include "base/require.hpp"
#include "runtime/interrupt.hpp"
#include "runtime/team.hpp"
#include "train/fit.hpp"
#include "train/turns.hpp"

namespace backpass {
namespace train {
namespace {

/// The threads come together after this time, so that on_progress is called, and so that threads that were busy can
/// join.
constexpr std::chrono::milliseconds kRound{50};
/// A thread trains a member for this time. A member's data then comes from memory again: 1 MiB takes 0.1 ms, 0.5 %.
constexpr std::chrono::milliseconds kTurn{20};
/// The work of a round in multiply-adds (50 per ns), for the decision how long to wait for sleeping threads.
constexpr double kRoundWork = 2.5e9;
/// Of the multiply-adds for which a poll reads the clock.
constexpr std::size_t kPollOperations = std::size_t{1} << 20;
/// The speed-up per thread if several threads share a step.
constexpr double kSharedStep = 0.7;

/// Returns f(). Messages of exceptions name the member.
template <class F>
auto in_member(std::size_t k, F f) {
  const auto text = [k](const std::exception& error) { return "member " + std::to_string(k) + ": " + error.what(); };
  try {
    return f();
  } catch (const DivergenceError& error) {
    throw DivergenceError(text(error), error.epoch(), error.batch(), k);
  } catch (const ShapeError& error) {
    throw ShapeError(text(error));
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(text(error));
  } catch (const StateError& error) {
    throw StateError(text(error));
  }
}

/// \throws std::invalid_argument if two objects are the same; null is allowed
template <class Pointer>
void require_distinct(const std::vector<Pointer>& objects, const std::string& what) {
  for (std::size_t k = 0; k < objects.size(); ++k) {
    for (std::size_t i = 0; i < k && objects[k] != nullptr; ++i) {
      require(objects[i] != objects[k], what + " of members " + std::to_string(i) + " and " + std::to_string(k) +
                                            " is the same object: each member needs its own");
    }
  }
}

template <class T>
class EnsembleFit {
 public:
  /// Checks all arguments. Changes none of them.
  EnsembleFit(Ensemble<T>& ensemble, ConstMatrixView<T> x, const Targets<T>& y, const Loss& loss,
              std::span<const OptimizerRef> optimizers, std::span<const FitOptions<T>> options, const EnsembleRun& run);
  std::vector<History> run();

 private:
  struct Member {
    Member(Network<T>& network, ConstMatrixView<T> x, const Targets<T>& y, const Loss& loss, OptimizerRef optimizer,
           const FitOptions<T>& options)
        : fit(network, x, y, loss, optimizer, options, alone),
          parameters(static_cast<double>(network.num_parameters())) {}
    Group alone{nullptr};
    Fit<T> fit;
    double parameters;
    std::optional<DivergenceError> error = {};
    [[nodiscard]] bool is_active() const noexcept { return !fit.is_over() && !error; }
    [[nodiscard]] std::size_t epochs() const noexcept { return fit.memory().position.epochs; }
    /// In multiply-adds, without the factor that all members have.
    [[nodiscard]] double work_left() const noexcept { return is_active() ? fit.rows_left() * parameters : 0.0; }
    /// The same for a step.
    [[nodiscard]] double step_work() const noexcept {
      return static_cast<double>(std::min(fit.options().batch_size, fit.rows())) * parameters;
    }
  };

  /// Trains all members for about kRound, or until on_epoch_end must be called.
  void train_round();
  /// A thread's part of a round. \param waits  whether to wait for the other threads, with polls
  void train_members(Turns& turns, Clock::time_point end, bool waits);
  void train_member(std::size_t k, Clock::time_point until);
  /// The number of threads that train members; 1: the caller's thread, whose steps may use all threads.
  [[nodiscard]] int threads_for_members(int members) const;
  /// Whether the member trains before the next call of on_epoch_end.
  [[nodiscard]] bool may_train(const Member& member) const noexcept {
    return member.is_active() && (!run_.on_epoch_end || member.epochs() <= epoch_);
  }
  [[nodiscard]] bool is_active() const {
    return std::any_of(members_.begin(), members_.end(), [](const Member& member) { return member.is_active(); });
  }
  /// Calls the functions of run_ that are due. \returns whether one of them stops all members
  bool report();
  [[nodiscard]] EnsembleProgressReport progress() const;
  [[nodiscard]] double work_left() const noexcept;
  std::vector<History> finish();

  std::deque<Member> members_;
  const EnsembleRun& run_;
  bool calls_functions_ = false;  ///< functions of the user run on the caller's thread only
  double all_work_ = 0.0;         ///< work_left() at the start
  std::size_t epoch_ = 0;         ///< the epoch of the next call of on_epoch_end
  Clock::time_point last_report_ = Clock::now();
};

template <class T>
EnsembleFit<T>::EnsembleFit(Ensemble<T>& ensemble, ConstMatrixView<T> x, const Targets<T>& y, const Loss& loss,
                            std::span<const OptimizerRef> optimizers, std::span<const FitOptions<T>> options,
                            const EnsembleRun& run)
    : run_(run), calls_functions_(std::holds_alternative<CustomLoss>(loss)) {
  const std::size_t size = ensemble.size();
  require(optimizers.size() == size && options.size() == size,
          "the ensemble has " + std::to_string(size) + " members, but there are " + std::to_string(optimizers.size()) +
              " optimizers and " + std::to_string(options.size()) + " options");
  std::vector<const OptimizerState*> states;
  std::vector<const Schedule*> schedules;
  for (std::size_t k = 0; k < size; ++k) {
    const FitOptions<T>& own = options[k];
    require(!own.on_begin && !own.on_epoch_end && !own.on_progress,
            "an ensemble does not call functions per member: use those of EnsembleRun");
    require(own.communicator == nullptr, "an ensemble has no communicator");
    require(own.memory == nullptr && own.checkpoint.empty() && own.resume_from.empty(),
            "an ensemble has no memory, checkpoint and resume_from");
    states.push_back(&optimizers[k].state());
    schedules.push_back(own.schedule);
    calls_functions_ = calls_functions_ || !own.custom_metrics.empty();
    for (std::size_t i = 0; i < ensemble[k].num_layers(); ++i) {
      calls_functions_ = calls_functions_ || ensemble[k].spec(i).activation.kind() == ActivationKind::custom;
    }
  }
  require_distinct(states, "the optimizer");
  require_distinct(schedules, "the schedule");
  for (std::size_t k = 0; k < size; ++k) {
    const auto make = [&] { members_.emplace_back(ensemble[k], x, y, loss, optimizers[k], options[k]); };
    if (k == 0) {  // what is wrong for the first member is usually wrong for all
      make();
    } else {
      in_member(k, make);
    }
  }
}

template <class T>
std::vector<History> EnsembleFit<T>::run() {
  for (Member& member : members_) {
    member.fit.begin();
  }
  all_work_ = work_left();
  if (run_.on_begin) {
    in_callers_mode(run_.on_begin, BeginReport{0, members_.front().fit.rows()});
  }
  try {
    while (is_active()) {
      train_round();
      if (report()) {
        break;
      }
    }
    return finish();
  } catch (const std::bad_alloc&) {
    for (Member& member : members_) {
      if (!member.error) {  // otherwise the member is restored already
        member.fit.recover();
      }
    }
    throw;
  }
}

template <class T>
int EnsembleFit<T>::threads_for_members(int members) const {
  if (calls_functions_) {
    return 1;
  }
  const int threads = std::min(runtime::most_threads(run_.num_threads), members);
  double step_work = 0.0;
  for (const Member& member : members_) {
    step_work = std::max(step_work, member.is_active() ? member.step_work() : 0.0);
  }
  // A step of a large network may use more threads than there are members. It computes 3 products with the weights.
  return kSharedStep * runtime::threads_for(3.0 * step_work, run_.num_threads) > threads ? 1 : threads;
}

template <class T>
void EnsembleFit<T>::train_round() {
  Turns turns(members_.size());
  int waiting = 0;
  for (std::size_t k = 0; k < members_.size(); ++k) {
    if (may_train(members_[k])) {
      turns.add(k, members_[k].work_left());
      ++waiting;
    }
  }
  const Clock::time_point end = Clock::now() + kRound;
  const int threads = threads_for_members(waiting);
  if (threads == 1) {
    const runtime::ThreadLimit limit(run_.num_threads);
    train_members(turns, end, false);
    return;
  }
  runtime::parallel(threads, kRoundWork, [&](const runtime::Member& thread) {
    const runtime::ThreadLimit one(1);
    train_members(turns, end, thread.rank() == 0);
  });
}

template <class T>
void EnsembleFit<T>::train_members(Turns& turns, Clock::time_point end, bool waits) {
  while (true) {
    const Clock::time_point now = Clock::now();
    const auto k = now < end ? turns.take() : std::nullopt;
    if (k) {
      train_member(*k, std::min(end, now + kTurn));
      const Member& member = members_[*k];
      turns.give_back(*k, may_train(member) ? std::optional(member.work_left()) : std::nullopt);
    } else if (!waits || !turns.wait()) {
      return;
    } else {
      runtime::poll(kPollOperations);
    }
  }
}

template <class T>
void EnsembleFit<T>::train_member(std::size_t k, Clock::time_point until) {
  Member& member = members_[k];
  try {
    in_member(k, [&] {
      do {
        member.fit.advance(until);
      } while (may_train(member) && Clock::now() < until);
    });
  } catch (const DivergenceError& error) {
    member.error = error;  // the other members train to their end, so that their numbers do not depend on the threads
  }
}

template <class T>
double EnsembleFit<T>::work_left() const noexcept {
  double sum = 0.0;
  for (const Member& member : members_) {
    sum += member.work_left();
  }
  return sum;
}

template <class T>
EnsembleProgressReport EnsembleFit<T>::progress() const {
  EnsembleProgressReport report{.done = all_work_ > 0.0 ? 1.0 - work_left() / all_work_ : 1.0};
  double losses = 0.0;
  for (const Member& member : members_) {
    const TrainingMemory& memory = member.fit.memory();
    const std::vector<double>& finished = memory.history["loss"];
    if (memory.position.epoch_steps > 0 || !finished.empty()) {
      report.loss += memory.position.epoch_steps > 0 ? member.fit.epoch_loss() : finished.back();
      losses += 1.0;
    }
  }
  report.loss /= std::max(1.0, losses);
  return report;
}

template <class T>
bool EnsembleFit<T>::report() {
  const auto has_finished = [&](const Member& member) { return member.epochs() > epoch_; };
  const auto is_training = [&](const Member& member) { return member.is_active() && !has_finished(member); };
  if (run_.on_epoch_end && std::any_of(members_.begin(), members_.end(), has_finished) &&
      std::none_of(members_.begin(), members_.end(), is_training)) {
    std::vector<const History*> histories;
    histories.reserve(members_.size());
    for (const Member& member : members_) {
      histories.push_back(&member.fit.memory().history);
    }
    if (in_callers_mode(run_.on_epoch_end, EnsembleEpochReport{epoch_++, histories})) {
      return true;
    }
  }
  const Clock::time_point now = Clock::now();
  if (!run_.on_progress || (now - last_report_ < kRound && is_active())) {
    return false;
  }
  last_report_ = now;
  return in_callers_mode(run_.on_progress, progress());
}

template <class T>
std::vector<History> EnsembleFit<T>::finish() {
  std::vector<History> histories;
  const Member* diverged = nullptr;
  std::string others;
  for (std::size_t k = 0; k < members_.size(); ++k) {
    Member& member = members_[k];
    if (!member.error) {
      histories.push_back(member.fit.finish());
    } else if (diverged == nullptr) {
      diverged = &member;
    } else {
      others += (others.empty() ? "" : ", ") + std::to_string(k);
    }
  }
  if (diverged != nullptr) {
    const DivergenceError& error = *diverged->error;
    throw DivergenceError(error.what() + (others.empty() ? std::string() : ". Also diverged: members " + others) +
                              ". All other members have been trained",
                          error.epoch(), error.batch(), error.member());
  }
  return histories;
}

}  // namespace
}  // namespace train

template <class T>
std::vector<History> Ensemble<T>::fit(ConstMatrixView<T> x, Targets<T> y, const Loss& loss,
                                      std::span<const OptimizerRef> optimizers, std::span<const FitOptions<T>> options,
                                      const EnsembleRun& run) {
  (void)first();  // throws if the ensemble was moved from
  return in_own_mode([&] { return train::EnsembleFit<T>(*this, x, y, loss, optimizers, options, run).run(); });
}

template <class T>
std::vector<History> Ensemble<T>::fit(ConstMatrixView<T> x, Targets<T> y, const Loss& loss, const Optimizer& optimizer,
                                      const FitOptions<T>& options, const EnsembleRun& run) {
  std::vector<Optimizer> optimizers(size(), optimizer);
  std::vector<FitOptions<T>> all(size(), options);
  std::deque<Schedule> schedules;
  const std::vector<std::uint64_t> seeds = ensemble_seeds(options.seed.value_or(0), size());
  for (std::size_t k = 0; k < size(); ++k) {
    all[k].seed = seeds[k];
    if (options.schedule != nullptr) {
      all[k].schedule = &schedules.emplace_back(copy_schedule(*options.schedule));
    }
  }
  const std::vector<OptimizerRef> references(optimizers.begin(), optimizers.end());
  return fit(x, y, loss, std::span<const OptimizerRef>(references), std::span<const FitOptions<T>>(all), run);
}

#define BACKPASS_INSTANTIATE(T)                                                                                       \
  template BACKPASS_EXPORT std::vector<History> Ensemble<T>::fit(ConstMatrixView<T>, Targets<T>, const Loss&,         \
                                                                 std::span<const OptimizerRef>,                       \
                                                                 std::span<const FitOptions<T>>, const EnsembleRun&); \
  template BACKPASS_EXPORT std::vector<History> Ensemble<T>::fit(                                                     \
      ConstMatrixView<T>, Targets<T>, const Loss&, const Optimizer&, const FitOptions<T>&, const EnsembleRun&);
BACKPASS_INSTANTIATE(float)
BACKPASS_INSTANTIATE(double)
#undef BACKPASS_INSTANTIATE

}  // namespace backpass

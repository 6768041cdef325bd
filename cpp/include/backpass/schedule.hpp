/// \file schedule.hpp
/// Learning-rate schedules. A schedule computes the learning rate lr from the time t and from `base`, the optimizer's
/// own learning rate. Schedules are pure functions; only ReduceOnPlateau has a memory. Each schedule counts time in its
/// usual unit, epochs or steps.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <tuple>
#include <variant>

#include <backpass/compiler.hpp>
#include <backpass/field.hpp>

namespace backpass {

enum class TimeUnit : unsigned char { epoch, step };

/// The schedules, with the same names as in Python's backpass.schedules.
namespace schedules {

/// lr = base.
struct Constant {
  static constexpr std::string_view name = "Constant";
  static constexpr TimeUnit unit = TimeUnit::epoch;
};
/// lr = base · gamma^⌊t / step_size⌋ (PyTorch's StepLR).
struct Step {
  static constexpr std::string_view name = "Step";
  static constexpr TimeUnit unit = TimeUnit::epoch;
  std::int64_t step_size = 10;
  double gamma = 0.1;

  static constexpr auto fields() {
    return std::tuple{Field{"step_size", &Step::step_size, Range::positive},
                      Field{"gamma", &Step::gamma, Range::non_negative}};
  }
};
/// lr = base · gamma^t.
struct Exponential {
  static constexpr std::string_view name = "Exponential";
  static constexpr TimeUnit unit = TimeUnit::epoch;
  double gamma = 0.95;

  static constexpr auto fields() { return std::tuple{Field{"gamma", &Exponential::gamma, Range::non_negative}}; }
};
/// lr = min_lr + (base − min_lr)(1 + cos(π t / period)) / 2 for t < period, then lr = min_lr. This is one cycle of
/// Loshchilov and Hutter 2017.
struct Cosine {
  static constexpr std::string_view name = "Cosine";
  static constexpr TimeUnit unit = TimeUnit::epoch;
  std::int64_t period = 10;
  double min_lr = 0.0;

  static constexpr auto fields() {
    return std::tuple{Field{"period", &Cosine::period, Range::positive},
                      Field{"min_lr", &Cosine::min_lr, Range::non_negative}};
  }
};
/// PyTorch's OneCycleLR with cosine annealing (Smith and Topin 2019). lr rises from initial = max_lr / div_factor to
/// max_lr during the first pct_start · total_steps steps, then falls to initial / final_div_factor. Ignores `base`.
/// Does not change the momentum.
struct OneCycle {
  static constexpr std::string_view name = "OneCycle";
  static constexpr TimeUnit unit = TimeUnit::step;
  double max_lr = 1e-2;
  std::int64_t total_steps = 0;  ///< 0: the number of steps of the fit that uses the schedule, see with_length()
  double pct_start = 0.3;
  double div_factor = 25.0;
  double final_div_factor = 1e4;

  static constexpr auto fields() {
    return std::tuple{Field{"max_lr", &OneCycle::max_lr, Range::non_negative},
                      Field{"total_steps", &OneCycle::total_steps, Range::non_negative},
                      Field{"pct_start", &OneCycle::pct_start, Range::from_0_to_1},
                      Field{"div_factor", &OneCycle::div_factor, Range::positive},
                      Field{"final_div_factor", &OneCycle::final_div_factor, Range::positive}};
  }
};
/// lr = base / (1 + t)^power, t in steps (scikit-learn's "invscaling").
struct InverseScaling {
  static constexpr std::string_view name = "InverseScaling";
  static constexpr TimeUnit unit = TimeUnit::step;
  double power = 0.5;

  static constexpr auto fields() { return std::tuple{Field{"power", &InverseScaling::power, Range::finite}}; }
};
/// PyTorch's ReduceLROnPlateau with mode "min" and a relative threshold. After more than `patience` epochs without an
/// improvement of the monitored loss, lr is multiplied by factor, but not reduced below min_lr. Changes of less than
/// 1e-8 are skipped.
///
/// An improvement is a loss below best − threshold · |best|. PyTorch uses best · (1 − threshold): a constant negative
/// loss would then be an improvement in every epoch.
struct ReduceOnPlateau {
  static constexpr std::string_view name = "ReduceOnPlateau";
  static constexpr TimeUnit unit = TimeUnit::epoch;
  double factor = 0.1;
  std::int64_t patience = 10;
  double threshold = 1e-4;
  std::int64_t cooldown = 0;
  double min_lr = 0.0;
  // memory, which observe() updates
  double best = std::numeric_limits<double>::infinity();
  std::int64_t bad_epochs = 0;
  std::int64_t cooldown_left = 0;
  double scale = 1.0;  ///< product of the reductions so far

  static constexpr auto fields() {
    return std::tuple{Field{"factor", &ReduceOnPlateau::factor, Range::from_0_below_1},
                      Field{"patience", &ReduceOnPlateau::patience, Range::non_negative},
                      Field{"threshold", &ReduceOnPlateau::threshold, Range::from_0_below_1},
                      Field{"cooldown", &ReduceOnPlateau::cooldown, Range::non_negative},
                      Field{"min_lr", &ReduceOnPlateau::min_lr, Range::non_negative},
                      MemoryField{Field{"best", &ReduceOnPlateau::best}},
                      MemoryField{Field{"bad_epochs", &ReduceOnPlateau::bad_epochs, Range::non_negative}},
                      MemoryField{Field{"cooldown_left", &ReduceOnPlateau::cooldown_left, Range::non_negative}},
                      MemoryField{Field{"scale", &ReduceOnPlateau::scale, Range::from_0_to_1}}};
  }
};

struct LinearWarmup;

}  // namespace schedules

using Schedule =
    std::variant<schedules::Constant, schedules::Step, schedules::Exponential, schedules::Cosine, schedules::OneCycle,
                 schedules::InverseScaling, schedules::ReduceOnPlateau, schedules::LinearWarmup>;

namespace schedules {

/// lr rises linearly from start_factor · base to base during the first `steps` steps. After that, the schedule `then`
/// applies. If `then` counts steps, its step 0 is the end of the warm-up. If it counts epochs, it gets the true epoch.
struct LinearWarmup {
  static constexpr std::string_view name = "LinearWarmup";
  static constexpr TimeUnit unit = TimeUnit::step;
  std::int64_t steps = 100;
  double start_factor = 0.0;
  std::shared_ptr<Schedule> then = {};  ///< null: lr = base; copy_schedule() makes a deep copy

  static constexpr auto fields() {
    return std::tuple{Field{"steps", &LinearWarmup::steps, Range::non_negative},
                      Field{"start_factor", &LinearWarmup::start_factor, Range::from_0_to_1},
                      Field{"then", &LinearWarmup::then}};
  }
};

}  // namespace schedules

/// The learning rate of a valid schedule.
/// \param epoch  counted from 0
/// \param step   counted from 0, over all epochs
/// \throws std::invalid_argument for a OneCycle with total_steps = 0
[[nodiscard]] BACKPASS_EXPORT double scheduled_lr(const Schedule& schedule, double base_lr, std::int64_t epoch,
                                                  std::int64_t step);
/// Updates the memory of a ReduceOnPlateau, also one that follows a warm-up, with the loss of the epoch that ended.
/// Other schedules do not change.
BACKPASS_EXPORT void observe(Schedule& schedule, double base_lr, double monitored_loss);
/// The schedule if it is a ReduceOnPlateau, or the ReduceOnPlateau that follows a warm-up, else null.
[[nodiscard]] BACKPASS_EXPORT schedules::ReduceOnPlateau* plateau_of(Schedule& schedule) noexcept;
/// Clears the memory of a ReduceOnPlateau: its learning rate is the base rate again.
BACKPASS_EXPORT void reset(Schedule& schedule) noexcept;
/// \throws std::invalid_argument if a parameter is out of range
BACKPASS_EXPORT void validate(const Schedule& schedule);
/// A deep copy in which a OneCycle with total_steps = 0 gets a length, so that the whole schedule has total_steps
/// steps. After a warm-up, the OneCycle gets the remaining steps. fit() uses this copy. Save it to a file if a training
/// will be resumed from the file.
/// \throws std::invalid_argument if total_steps < 0
[[nodiscard]] BACKPASS_EXPORT Schedule with_length(const Schedule& schedule, std::int64_t total_steps);
/// A deep copy: it shares no memory with the original.
[[nodiscard]] BACKPASS_EXPORT Schedule copy_schedule(const Schedule& schedule);

}  // namespace backpass

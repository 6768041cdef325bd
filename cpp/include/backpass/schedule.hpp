/// \file schedule.hpp
/// Learning-rate schedules: pure functions of time, scaling the optimizer's own (base) learning rate; ReduceOnPlateau
/// alone has a memory. Time is counted in epochs or in steps; each schedule has the unit it is usually quoted in.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <variant>

#include <backpass/compiler.hpp>

namespace backpass {

enum class TimeUnit : unsigned char { epoch, step };

/// The schedules, each under the name it has in Python's backpass.schedules.
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
};
/// lr = base · gamma^t.
struct Exponential {
  static constexpr std::string_view name = "Exponential";
  static constexpr TimeUnit unit = TimeUnit::epoch;
  double gamma = 0.95;
};
/// lr = min_lr + (base − min_lr)(1 + cos(π t / period)) / 2, min_lr after the period (Loshchilov and Hutter 2017, one
/// cycle).
struct Cosine {
  static constexpr std::string_view name = "Cosine";
  static constexpr TimeUnit unit = TimeUnit::epoch;
  std::int64_t period = 10;
  double min_lr = 0.0;
};
/// PyTorch's OneCycleLR with cosine annealing: up from max_lr / div_factor to max_lr over pct_start of total_steps,
/// then down to initial / final_div_factor (Smith and Topin 2019). Ignores the base. Momentum is left alone.
struct OneCycle {
  static constexpr std::string_view name = "OneCycle";
  static constexpr TimeUnit unit = TimeUnit::step;
  double max_lr = 1e-2;
  std::int64_t total_steps = 0;  ///< 0: as long as the fit it is given to; see with_length
  double pct_start = 0.3;
  double div_factor = 25.0;
  double final_div_factor = 1e4;
};
/// lr = base / (1 + t)^power, t in steps (scikit-learn's "invscaling").
struct InverseScaling {
  static constexpr std::string_view name = "InverseScaling";
  static constexpr TimeUnit unit = TimeUnit::step;
  double power = 0.5;
};
/// PyTorch's ReduceLROnPlateau, mode "min", relative threshold: after `patience` epochs without improvement of the
/// monitored loss the rate is multiplied by factor, but not below min_lr; a change of less than 1e-8 is not made. An
/// improvement is a loss below best − threshold · |best| (PyTorch's is best · (1 − threshold), which a constant loss
/// below 0 would meet for ever).
struct ReduceOnPlateau {
  static constexpr std::string_view name = "ReduceOnPlateau";
  static constexpr TimeUnit unit = TimeUnit::epoch;
  double factor = 0.1;
  std::int64_t patience = 10;
  double threshold = 1e-4;
  std::int64_t cooldown = 0;
  double min_lr = 0.0;
  // memory
  double best = std::numeric_limits<double>::infinity();
  std::int64_t bad_epochs = 0;
  std::int64_t cooldown_left = 0;
  double scale = 1.0;  ///< product of the reductions so far
};

struct LinearWarmup;

}  // namespace schedules

using Schedule =
    std::variant<schedules::Constant, schedules::Step, schedules::Exponential, schedules::Cosine, schedules::OneCycle,
                 schedules::InverseScaling, schedules::ReduceOnPlateau, schedules::LinearWarmup>;

namespace schedules {

/// lr rises linearly from start_factor · base to base over `steps` steps, then `then` takes over. A `then` counted in
/// steps starts at 0 when the warm-up ends; one counted in epochs keeps the true epoch.
struct LinearWarmup {
  static constexpr std::string_view name = "LinearWarmup";
  static constexpr TimeUnit unit = TimeUnit::step;
  std::int64_t steps = 100;
  double start_factor = 0.0;
  std::shared_ptr<Schedule> then = {};  ///< null: constant; copied deeply by copy_schedule
};

}  // namespace schedules

/// The learning rate for the given zero-based epoch and global step, of a valid schedule.
/// \throws std::invalid_argument for a OneCycle whose total_steps is 0
[[nodiscard]] BACKPASS_EXPORT double scheduled_lr(const Schedule& schedule, double base_lr, std::int64_t epoch,
                                                  std::int64_t step);
/// Tells the schedule the monitored loss of the epoch that ended; only ReduceOnPlateau (also behind a warm-up) listens.
BACKPASS_EXPORT void observe(Schedule& schedule, double base_lr, double monitored_loss);
/// The ReduceOnPlateau that this is, or that a warm-up leads to; null when there is none.
[[nodiscard]] BACKPASS_EXPORT schedules::ReduceOnPlateau* plateau_of(Schedule& schedule) noexcept;
/// Forgets what observe() was told: the rate is the base rate again.
BACKPASS_EXPORT void reset(Schedule& schedule) noexcept;
/// \throws std::invalid_argument when a parameter is out of range
BACKPASS_EXPORT void validate(const Schedule& schedule);
/// A copy, sharing nothing with the original, in which a OneCycle without a length (total_steps = 0) has the one that
/// makes the whole schedule total_steps long: behind a warm-up, the rest of it. What fit follows, and what belongs into
/// a file from which training goes on. \throws std::invalid_argument when total_steps < 0
[[nodiscard]] BACKPASS_EXPORT Schedule with_length(const Schedule& schedule, std::int64_t total_steps);
/// A copy that shares nothing with the original.
[[nodiscard]] BACKPASS_EXPORT Schedule copy_schedule(const Schedule& schedule);

}  // namespace backpass

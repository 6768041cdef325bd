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

namespace detail {
inline constexpr const char* kTotalSteps =
    "0: the steps of all epochs of the `Network.fit` that uses this schedule; see `with_length`.";
}  // namespace detail

struct Constant {
  static constexpr std::string_view name = "Constant";
  static constexpr const char* definition = "lr = base.";
  static constexpr TimeUnit unit = TimeUnit::epoch;
};
struct Step {
  static constexpr std::string_view name = "Step";
  static constexpr const char* definition = "lr = base · gamma^⌊epoch / step_size⌋, as PyTorch's StepLR.";
  static constexpr TimeUnit unit = TimeUnit::epoch;
  std::int64_t step_size = 10;
  double gamma = 0.1;

  static constexpr auto fields() {
    return std::tuple{Field{"step_size", &Step::step_size, Range::positive, "Number of epochs."},
                      Field{"gamma", &Step::gamma, Range::non_negative}};
  }
};
struct Exponential {
  static constexpr std::string_view name = "Exponential";
  static constexpr const char* definition = "lr = base · gamma^epoch.";
  static constexpr TimeUnit unit = TimeUnit::epoch;
  double gamma = 0.95;

  static constexpr auto fields() { return std::tuple{Field{"gamma", &Exponential::gamma, Range::non_negative}}; }
};
struct Cosine {
  static constexpr std::string_view name = "Cosine";
  static constexpr const char* definition =
      "Cosine decay from base to min_lr, then constant (Loshchilov and Hutter 2017).\n\n"
      "lr = min_lr + (base − min_lr) (1 + cos(π epoch / period)) / 2 for epoch < period, then lr = min_lr.";
  static constexpr TimeUnit unit = TimeUnit::epoch;
  std::int64_t period = 0;  ///< 0: the number of epochs of the fit that uses the schedule, see with_length()
  double min_lr = 0.0;

  static constexpr auto fields() {
    return std::tuple{Field{"period", &Cosine::period, Range::non_negative,
                            "Number of epochs. 0: all epochs of the `Network.fit` that uses this schedule."},
                      Field{"min_lr", &Cosine::min_lr, Range::non_negative}};
  }
};
struct OneCycle {
  static constexpr std::string_view name = "OneCycle";
  static constexpr const char* definition =
      "Increase to max_lr and decrease again along cosines, as PyTorch's OneCycleLR (Smith and Topin 2019).\n\n"
      "lr rises from max_lr / div_factor to max_lr during the first pct_start · total_steps steps, then falls. The "
      "base\n"
      "rate is not used. The optimizer's momentum does not change.";
  static constexpr TimeUnit unit = TimeUnit::step;
  double max_lr = 1e-2;
  std::int64_t total_steps = 0;  ///< 0: the number of steps of the fit that uses the schedule, see with_length()
  double pct_start = 0.3;
  double div_factor = 25.0;
  double final_div_factor = 1e4;

  static constexpr auto fields() {
    return std::tuple{
        Field{"max_lr", &OneCycle::max_lr, Range::non_negative},
        Field{"total_steps", &OneCycle::total_steps, Range::non_negative, detail::kTotalSteps},
        Field{"pct_start", &OneCycle::pct_start, Range::from_0_to_1,
              "Fraction of the steps in which the rate increases."},
        Field{"div_factor", &OneCycle::div_factor, Range::positive, "The first rate is max_lr / div_factor."},
        Field{"final_div_factor", &OneCycle::final_div_factor, Range::positive,
              "The last rate is the first rate / final_div_factor."}};
  }
};
struct CosLog {
  static constexpr std::string_view name = "CosLog";
  static constexpr const char* definition =
      "Cosine cycles from 0 to base and back to 0, as coslog4 of RealMLP (Holzmüller et al. 2024).\n\n"
      "With t = step / total_steps: lr = base (1 − cos(2π log2(1 + (2^cycles − 1) t))) / 2, and lr = 0 for t ≥ 1.\n"
      "Each cycle is twice as long as the one before it. The first step has the rate 0.";
  static constexpr TimeUnit unit = TimeUnit::step;
  std::int64_t cycles = 4;       ///< at most kMaxCycles
  std::int64_t total_steps = 0;  ///< 0: the number of steps of the fit that uses the schedule, see with_length()

  /// With more cycles, the first cycle would be shorter than a step of the longest training.
  static constexpr std::int64_t kMaxCycles = 62;

  static constexpr auto fields() {
    return std::tuple{Field{"cycles", &CosLog::cycles, Range::positive, "At most 62."},
                      Field{"total_steps", &CosLog::total_steps, Range::non_negative, detail::kTotalSteps}};
  }
};
struct FlatCosine {
  static constexpr std::string_view name = "FlatCosine";
  static constexpr const char* definition =
      "Constant, then cosine decay to 0.\n\n"
      "With t = step / total_steps: lr = base for t < flat, then lr = base (1 + cos(π (t − flat) / (1 − flat))) / 2,\n"
      "and lr = 0 for t ≥ 1.";
  static constexpr TimeUnit unit = TimeUnit::step;
  double flat = 0.5;
  std::int64_t total_steps = 0;  ///< 0: the number of steps of the fit that uses the schedule, see with_length()

  static constexpr auto fields() {
    return std::tuple{
        Field{"flat", &FlatCosine::flat, Range::from_0_to_1, "Fraction of the steps in which the rate is constant."},
        Field{"total_steps", &FlatCosine::total_steps, Range::non_negative, detail::kTotalSteps}};
  }
};
struct InverseScaling {
  static constexpr std::string_view name = "InverseScaling";
  static constexpr const char* definition = "lr = base / (1 + step)^power, as scikit-learn's \"invscaling\".";
  static constexpr TimeUnit unit = TimeUnit::step;
  double power = 0.5;

  static constexpr auto fields() { return std::tuple{Field{"power", &InverseScaling::power, Range::finite}}; }
};
struct ReduceOnPlateau {
  static constexpr std::string_view name = "ReduceOnPlateau";
  static constexpr const char* definition =
      "Multiply the rate by `factor` after `patience` epochs without improvement, as PyTorch's ReduceLROnPlateau.\n\n"
      "An improvement is a loss below best − threshold · |best|. PyTorch's best · (1 − threshold) would make every "
      "epoch of a\n"
      "constant negative loss an improvement. Changes of the rate of less than 1e-8 are skipped. A `Network.fit` that "
      "does\n"
      "not resume an earlier training first resets the memory of this schedule.";
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
                      Field{"patience", &ReduceOnPlateau::patience, Range::non_negative, "Number of epochs."},
                      Field{"threshold", &ReduceOnPlateau::threshold, Range::from_0_below_1},
                      Field{"cooldown", &ReduceOnPlateau::cooldown, Range::non_negative,
                            "Number of epochs after a reduction in which epochs without improvement are not counted."},
                      Field{"min_lr", &ReduceOnPlateau::min_lr, Range::non_negative, "Lower bound of the rate."},
                      MemoryField{Field{"best", &ReduceOnPlateau::best}},
                      MemoryField{Field{"bad_epochs", &ReduceOnPlateau::bad_epochs, Range::non_negative}},
                      MemoryField{Field{"cooldown_left", &ReduceOnPlateau::cooldown_left, Range::non_negative}},
                      MemoryField{Field{"scale", &ReduceOnPlateau::scale, Range::from_0_to_1}}};
  }
};

struct LinearWarmup;

}  // namespace schedules

using Schedule = std::variant<schedules::Constant, schedules::Step, schedules::Exponential, schedules::Cosine,
                              schedules::OneCycle, schedules::CosLog, schedules::FlatCosine, schedules::InverseScaling,
                              schedules::ReduceOnPlateau, schedules::LinearWarmup>;

namespace schedules {

struct LinearWarmup {
  static constexpr std::string_view name = "LinearWarmup";
  static constexpr const char* definition =
      "Increase linearly from start_factor · base to base over `steps` steps, then follow `then`.\n\n"
      "A schedule `then` that is counted in steps starts at step 0 after the warm-up. A schedule that is counted in "
      "epochs\n"
      "gets the true epoch.";
  static constexpr TimeUnit unit = TimeUnit::step;
  std::int64_t steps = 100;
  double start_factor = 0.0;
  std::shared_ptr<Schedule> then = {};  ///< null: lr = base; copy_schedule() makes a deep copy

  static constexpr auto fields() {
    return std::tuple{Field{"steps", &LinearWarmup::steps, Range::non_negative},
                      Field{"start_factor", &LinearWarmup::start_factor, Range::from_0_to_1},
                      Field{"then", &LinearWarmup::then, Range::any, "The default is Constant."}};
  }
};

}  // namespace schedules

/// The learning rate of a valid schedule.
/// \param epoch  counted from 0
/// \param step   counted from 0, over all epochs
/// \throws std::invalid_argument if lacks_length(schedule)
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
/// True if the schedule, or the schedule after a warm-up, has a length of 0: total_steps = 0 or period = 0.
[[nodiscard]] BACKPASS_EXPORT bool lacks_length(const Schedule& schedule) noexcept;
/// A deep copy in which a length of 0 is replaced, so that the whole schedule has total_steps steps or total_epochs
/// epochs. A length in steps after a warm-up is the number of the remaining steps. fit() uses this copy.
/// \param total_epochs  0: a length in epochs does not change
/// \throws std::invalid_argument if a number is < 0
[[nodiscard]] BACKPASS_EXPORT Schedule with_length(const Schedule& schedule, std::int64_t total_steps,
                                                   std::int64_t total_epochs = 0);
/// A deep copy: it shares no memory with the original.
[[nodiscard]] BACKPASS_EXPORT Schedule copy_schedule(const Schedule& schedule);

}  // namespace backpass

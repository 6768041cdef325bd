#include <backpass/schedule.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/floating_point_mode.hpp"
#include "base/require.hpp"

namespace backpass {
namespace {

/// A warm-up may contain another warm-up. More levels than this are a mistake, perhaps a cycle.
constexpr int kMaxNesting = 16;

/// A point in time, in both units.
struct Time {
  std::int64_t epoch, step;
};

/// The member with the length of a schedule, in its time unit; null if the schedule has no such member.
template <class S>
auto* length_of(S& schedule) noexcept {
  if constexpr (requires { schedule.total_steps; }) {
    return &schedule.total_steps;
  } else if constexpr (requires { schedule.period; }) {
    return &schedule.period;
  } else {
    return static_cast<std::int64_t*>(nullptr);
  }
}
template <class S>
bool lacks_own_length(const S& schedule) noexcept {
  const std::int64_t* const length = length_of(schedule);
  return length != nullptr && *length == 0;
}

/// Half a cosine, from start at share = 0 to end at share = 1.
double cosine_between(double start, double end, double share) {
  return end + (start - end) * (1.0 + std::cos(std::numbers::pi * share)) / 2.0;
}

double lr_of(const schedules::Constant& /*s*/, double base, Time /*t*/) { return base; }

double lr_of(const schedules::Step& s, double base, Time t) {
  const std::int64_t drops = t.epoch / s.step_size;
  return base * std::pow(s.gamma, static_cast<double>(drops));
}

double lr_of(const schedules::Exponential& s, double base, Time t) {
  return base * std::pow(s.gamma, static_cast<double>(t.epoch));
}

/// t = step / total_steps, at most 1.
template <class S>
double progress_of(const S& s, Time t) {
  return std::min(static_cast<double>(t.step) / static_cast<double>(s.total_steps), 1.0);
}

double lr_of(const schedules::Cosine& s, double base, Time t) {
  if (t.epoch >= s.period) {
    return s.min_lr;
  }
  return cosine_between(base, s.min_lr, static_cast<double>(t.epoch) / static_cast<double>(s.period));
}

double lr_of(const schedules::OneCycle& s, double /*base*/, Time t) {
  const double initial = s.max_lr / s.div_factor;
  // Steps count from 0: the last step is total_steps − 1.
  const double last = static_cast<double>(s.total_steps) - 1.0;
  const double peak = s.pct_start * static_cast<double>(s.total_steps) - 1.0;
  const double at = std::min(static_cast<double>(t.step), last);
  if (at <= peak) {
    return cosine_between(initial, s.max_lr, peak > 0 ? at / peak : 1.0);
  }
  return cosine_between(s.max_lr, initial / s.final_div_factor, (at - peak) / (last - peak));
}

// [cosines]
double lr_of(const schedules::CosLog& s, double base, Time t) {
  const double cycle = std::log2(1.0 + (std::exp2(static_cast<double>(s.cycles)) - 1.0) * progress_of(s, t));
  return cosine_between(0.0, base, 2.0 * cycle);
}

double lr_of(const schedules::FlatCosine& s, double base, Time t) {
  const double progress = progress_of(s, t);
  if (progress >= 1.0) {
    return 0.0;
  }
  return progress < s.flat ? base : cosine_between(base, 0.0, (progress - s.flat) / (1.0 - s.flat));
}
// [/cosines]

double lr_of(const schedules::InverseScaling& s, double base, Time t) {
  return base / std::pow(1.0 + static_cast<double>(t.step), s.power);
}

double lr_of(const schedules::ReduceOnPlateau& s, double base, Time /*t*/) { return base * s.scale; }

double lr_of(const schedules::LinearWarmup& s, double base, Time t) {
  if (t.step < s.steps) {
    const double share = static_cast<double>(t.step) / static_cast<double>(s.steps);
    return base * (s.start_factor + (1.0 - s.start_factor) * share);
  }
  return s.then == nullptr ? base : scheduled_lr(*s.then, base, t.epoch, t.step - s.steps);
}

/// As torch.optim.lr_scheduler.ReduceLROnPlateau.step(), which also ignores reductions of at most 1e-8.
void observe_plateau(schedules::ReduceOnPlateau& s, double base, double loss) {
  constexpr double kSmallestReduction = 1e-8;
  // The margin is threshold · |best|: negative losses improve downwards, too.
  const bool better = loss < s.best * (s.best > 0.0 ? 1.0 - s.threshold : 1.0 + s.threshold);
  if (better) {
    s.best = loss;
    s.bad_epochs = 0;
  }
  if (s.cooldown_left > 0) {
    --s.cooldown_left;
    s.bad_epochs = 0;
  } else if (!better && s.bad_epochs < s.patience) {
    ++s.bad_epochs;
  } else if (!better) {
    s.bad_epochs = 0;
    s.cooldown_left = s.cooldown;
    const double lr = base * s.scale;
    const double reduced = std::max(lr * s.factor, s.min_lr);
    if (lr - reduced > kSmallestReduction) {
      s.scale = reduced / base;
    }
  }
}

void check(const Schedule& schedule, int depth) {
  std::visit([](const auto& s) { require_fields(s); }, schedule);
  if (const auto* cos_log = std::get_if<schedules::CosLog>(&schedule)) {
    require(cos_log->cycles <= cos_log->kMaxCycles, cos_log->name, "cycles", static_cast<double>(cos_log->cycles),
            "at most 62");
  }
  const auto* warmup = std::get_if<schedules::LinearWarmup>(&schedule);
  if (warmup != nullptr && warmup->then != nullptr) {
    require(depth < kMaxNesting, warmup->name, "number of nested schedules", depth + 1, "at most 16");
    check(*warmup->then, depth + 1);
  }
}

}  // namespace

double scheduled_lr(const Schedule& schedule, double base_lr, std::int64_t epoch, std::int64_t step) {
  const auto lr = [&]<class S>(const S& s) {
    require(!lacks_own_length(s), S::name, S::unit == TimeUnit::step ? "total_steps" : "period", 0,
            "at least 1 outside of fit");
    return lr_of(s, base_lr, {epoch, step});
  };
  return in_own_mode([&] { return std::visit(lr, schedule); });
}

schedules::ReduceOnPlateau* plateau_of(Schedule& schedule) noexcept {
  auto* warmup = std::get_if<schedules::LinearWarmup>(&schedule);
  return warmup != nullptr && warmup->then != nullptr ? plateau_of(*warmup->then)
                                                      : std::get_if<schedules::ReduceOnPlateau>(&schedule);
}

void reset(Schedule& schedule) noexcept {
  if (auto* plateau = plateau_of(schedule)) {
    const schedules::ReduceOnPlateau fresh;
    plateau->best = fresh.best;
    plateau->bad_epochs = fresh.bad_epochs;
    plateau->cooldown_left = fresh.cooldown_left;
    plateau->scale = fresh.scale;
  }
}

void observe(Schedule& schedule, double base_lr, double monitored_loss) {
  if (auto* plateau = plateau_of(schedule)) {
    in_own_mode([&] { observe_plateau(*plateau, base_lr, monitored_loss); });
  }
}

bool lacks_length(const Schedule& schedule) noexcept {
  if (const auto* warmup = std::get_if<schedules::LinearWarmup>(&schedule)) {
    return warmup->then != nullptr && lacks_length(*warmup->then);
  }
  return std::visit([](const auto& s) { return lacks_own_length(s); }, schedule);
}

Schedule with_length(const Schedule& schedule, std::int64_t total_steps, std::int64_t total_epochs) {
  require(Range::non_negative, "with_length", "total_steps", total_steps);
  require(Range::non_negative, "with_length", "total_epochs", total_epochs);
  Schedule copy = schedule;
  std::visit(
      [&]<class S>(S& s) {
        if (lacks_own_length(s)) {
          *length_of(s) = S::unit == TimeUnit::step ? total_steps : total_epochs;
        }
      },
      copy);
  if (auto* warmup = std::get_if<schedules::LinearWarmup>(&copy); warmup != nullptr && warmup->then != nullptr) {
    const std::int64_t rest = std::max<std::int64_t>(1, total_steps - warmup->steps);
    warmup->then = std::make_shared<Schedule>(with_length(*warmup->then, rest, total_epochs));
  }
  return copy;
}

void validate(const Schedule& schedule) { check(schedule, 1); }

Schedule copy_schedule(const Schedule& schedule) {
  Schedule copy = schedule;
  if (auto* warmup = std::get_if<schedules::LinearWarmup>(&copy); warmup != nullptr && warmup->then != nullptr) {
    warmup->then = std::make_shared<Schedule>(copy_schedule(*warmup->then));
  }
  return copy;
}

}  // namespace backpass

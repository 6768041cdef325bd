#include "train/monitor.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace backpass::train {

Monitor::Monitor(const EarlyStopping& settings, const History& history, TrainingMemory& memory)
    : settings_(settings), memory_(memory) {
  std::string known;
  for (const auto& [name, values] : history.series) {
    known += (known.empty() ? "" : ", ") + name;
  }
  const auto named = [&](const auto& series) { return series.first == settings.monitor; };
  if (std::none_of(history.series.begin(), history.series.end(), named)) {
    throw std::invalid_argument("early stopping: there is no series \"" + settings.monitor +
                                "\" to monitor; there are: " + known);
  }
  if (!(settings.min_delta >= 0.0)) {
    throw std::invalid_argument("early stopping: min_delta must not be negative");
  }
  const bool rises = settings.monitor.ends_with("accuracy") || settings.monitor.ends_with("r2");
  sign_ = rises ? -1.0 : 1.0;
  if (!memory_.monitor.empty() && memory_.monitor != settings.monitor) {
    throw std::invalid_argument("early stopping: the resumed training monitored \"" + memory_.monitor + "\", not \"" +
                                settings.monitor + "\"");
  }
  memory_.monitor = settings.monitor;
}

bool Monitor::observe(std::size_t epoch, double value) noexcept {
  const double cost = sign_ * value;
  if (!std::isnan(cost) && (!memory_.best || cost < sign_ * *memory_.best - settings_.min_delta)) {
    memory_.best = value;
    memory_.best_epoch = epoch;
    memory_.waited = 0;
    return true;
  }
  ++memory_.waited;
  return false;
}

}  // namespace backpass::train

#include "train/monitor.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "base/require.hpp"
#include "base/text.hpp"

namespace backpass {

bool rises(std::string_view series) noexcept {
  for (const char* name : {"accuracy", "r2", "auc", "f1", "precision", "recall"}) {
    if (series.ends_with(name)) {
      return true;
    }
  }
  return series.starts_with("top_") || series.starts_with("val_top_");
}

namespace train {

Monitor::Monitor(const EarlyStopping& settings, const TrainingMemory& memory) : settings_(settings) {
  const auto name_of = [](const auto& series) { return series.first; };
  const auto& series_list = memory.history.series;
  require(std::any_of(series_list.begin(), series_list.end(),
                      [&](const auto& series) { return series.first == settings.monitor; }),
          "early stopping: " + unknown_text("series to monitor", settings.monitor, series_list, name_of));
  require_fields(settings);
  require(settings.mode == "auto" || settings.mode == "min" || settings.mode == "max",
          "EarlyStopping: mode must be \"auto\", \"min\" or \"max\", not \"" + settings.mode + "\"");
  require(settings.ties == "first" || settings.ties == "last",
          "EarlyStopping: ties must be \"first\" or \"last\", not \"" + settings.ties + "\"");
  sign_ = settings.mode == "max" || (settings.mode == "auto" && rises(settings.monitor)) ? -1.0 : 1.0;
  require(
      memory.monitor.empty() || memory.monitor == settings.monitor,
      "early stopping: the resumed training monitored \"" + memory.monitor + "\", not \"" + settings.monitor + "\"");
}

bool Monitor::observe(std::size_t epoch, double value, TrainingMemory& memory) const noexcept {
  const double cost = sign_ * value;
  if (!std::isnan(cost) && (!memory.best || cost < sign_ * *memory.best - settings_.min_delta)) {
    memory.best = value;
    memory.best_epoch = epoch;
    memory.waited = 0;
    return true;
  }
  ++memory.waited;
  if (settings_.ties == "last" && memory.best && value == *memory.best) {
    memory.best_epoch = epoch;
    return true;
  }
  return false;
}

}  // namespace train
}  // namespace backpass

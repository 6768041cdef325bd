/// Optimizers and schedules as JSON objects: {"name": "SGD", "lr": 0.001, …}.
#pragma once

#include <string>

#include <backpass/optimizer.hpp>
#include <backpass/schedule.hpp>

#include "io/json.hpp"
#include "io/json_writer.hpp"

namespace backpass::io {

/// The name and the settings of the optimizer. The caller adds its state.
/// \throws std::invalid_argument if a setting is not finite
[[nodiscard]] ObjectWriter optimizer_to_json(OptimizerRef optimizer);
/// Reads the name and the settings. The caller reads the other members of the object and calls reader.finish().
/// \throws FormatError
[[nodiscard]] Optimizer optimizer_from_json(ObjectReader& reader);

/// The schedule with its memory, including the schedule that follows a warm-up.
/// \throws std::invalid_argument if a parameter is out of range, or if warm-ups are nested too deeply to be read again
[[nodiscard]] std::string schedule_to_json(const Schedule& schedule);
/// \throws FormatError, also if a parameter is out of range
[[nodiscard]] Schedule schedule_from_json(const JsonValue& value);

}  // namespace backpass::io

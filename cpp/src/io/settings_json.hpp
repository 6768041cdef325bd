/// Optimizers and schedules as JSON objects: {"name": "SGD", "lr": 0.001, …}.
#pragma once

#include <backpass/optimizer.hpp>
#include <backpass/schedule.hpp>

#include "io/json.hpp"

namespace backpass::io {

/// The optimizer's name and settings, without its state.
/// \throws std::invalid_argument when a setting is not finite
[[nodiscard]] Json optimizer_to_json(OptimizerRef optimizer);
/// Reads the settings; the caller reads whatever else the object holds, and finishes the reader.
/// \throws FormatError
[[nodiscard]] Optimizer optimizer_from_json(ObjectReader& reader);

/// The schedule with its memory, and the one behind a warm-up with it.
/// \throws std::invalid_argument when a parameter is out of range, or warm-ups are nested too deep to be read again
[[nodiscard]] Json schedule_to_json(const Schedule& schedule);
/// \throws FormatError also when a parameter is out of range
[[nodiscard]] Schedule schedule_from_json(const Json& value);

}  // namespace backpass::io

/// Optimizers and schedules as JSON objects: {"name": "SGD", "lr": 0.001, …}.
#pragma once

#include <string>

#include <backpass/optimizer.hpp>
#include <backpass/schedule.hpp>

#include "io/json.hpp"
#include "io/json_writer.hpp"

namespace backpass::io {

/// The optimizer's name and settings, without its state, which the caller adds.
/// \throws std::invalid_argument when a setting is not finite
[[nodiscard]] ObjectWriter optimizer_to_json(OptimizerRef optimizer);
/// Reads the settings; the caller reads whatever else the object holds, and finishes the reader.
/// \throws FormatError
[[nodiscard]] Optimizer optimizer_from_json(ObjectReader& reader);

/// The schedule with its memory, and the one behind a warm-up with it.
/// \throws std::invalid_argument when a parameter is out of range, or warm-ups are nested too deep to be read again
[[nodiscard]] std::string schedule_to_json(const Schedule& schedule);
/// \throws FormatError also when a parameter is out of range
[[nodiscard]] Schedule schedule_from_json(const JsonValue& value);

}  // namespace backpass::io

/// What a training remembers, as JSON; its parameters are a tensor beside it.
#pragma once

#include <string>

#include <backpass/trainer.hpp>

#include "io/json.hpp"

namespace backpass::io {

/// \throws std::invalid_argument for a best value that is NaN
[[nodiscard]] std::string memory_to_json(const TrainingMemory& memory);

struct StoredMemory {
  TrainingMemory memory;
  bool has_parameters = false;
};
/// \throws FormatError
[[nodiscard]] StoredMemory memory_from_json(const JsonValue& value);

}  // namespace backpass::io

/// TrainingMemory as JSON. A separate tensor contains its parameters.
#pragma once

#include <string>

#include <backpass/trainer.hpp>

#include "io/json.hpp"

namespace backpass::io {

/// \throws std::invalid_argument for a best value that is NaN
[[nodiscard]] std::string memory_to_json(const TrainingMemory& memory);

struct StoredMemory {
  TrainingMemory memory;
  bool has_parameters = false;  ///< true: the file has a tensor kBestParameters
};
/// \throws FormatError
[[nodiscard]] StoredMemory memory_from_json(const JsonValue& value);

}  // namespace backpass::io

/// TrainingMemory as JSON. Separate tensors contain its parameters and the numbers of its history, and separate entries
/// of the metadata its schedules.
#pragma once

#include <string>

#include <backpass/trainer.hpp>

#include "io/json.hpp"

namespace backpass::io {

/// \throws std::invalid_argument if the memory cannot be read again: a best value is NaN, the history has too many
///         series, or a series does not have one number per epoch
[[nodiscard]] std::string memory_to_json(const TrainingMemory& memory);

struct StoredMemory {
  TrainingMemory memory;        ///< the series of its history are empty
  bool has_parameters = false;  ///< true: the file has a tensor kBestParameters
};
/// \throws FormatError
[[nodiscard]] StoredMemory memory_from_json(const JsonValue& value);

}  // namespace backpass::io

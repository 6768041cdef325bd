/// Reads the file of an ensemble.
#pragma once

#include <backpass/ensemble.hpp>

#include "io/container.hpp"

namespace backpass::io {

/// \param container  from open_container(source)
/// \throws FileError; FormatError unless it is a valid ensemble
[[nodiscard]] AnySavedEnsemble read_any_ensemble(Source& source, Container container);

}  // namespace backpass::io

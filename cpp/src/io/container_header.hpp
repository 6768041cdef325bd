/// The JSON header of a safetensors file. This file checks only its grammar; container.cpp checks it against the data.
#pragma once

#include <deque>
#include <string_view>

#include "io/container.hpp"

namespace backpass::io {

struct Header {
  Metadata metadata;
  std::deque<Tensor> tensors;  ///< in file order; names may repeat; begin and end count from the start of the data
};

/// \throws FormatError if the text is not JSON or violates the grammar of the format
[[nodiscard]] Header parse_header(std::string_view text);

}  // namespace backpass::io

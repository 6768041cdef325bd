/// The JSON header of a safetensors file, checked against its grammar alone; container.cpp checks it against the data.
#pragma once

#include <deque>
#include <string_view>

#include "io/container.hpp"

namespace backpass::io {

struct Header {
  Metadata metadata;
  std::deque<Tensor> tensors;  ///< in the file's order; a name may occur twice; bytes are counted from the data's start
};

/// \throws FormatError when the text is not JSON or has anything but what the format allows, in the place it allows it
[[nodiscard]] Header parse_header(std::string_view text);

}  // namespace backpass::io

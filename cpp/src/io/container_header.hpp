/// The JSON header of a safetensors file, checked against its grammar alone; container.cpp checks it against the data.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "io/container.hpp"

namespace backpass::io {

struct HeaderEntry {
  std::string name;
  std::string type;
  Shape shape;
  std::size_t begin = 0;  ///< bytes, from the start of the data
  std::size_t end = 0;
};

struct Header {
  Metadata metadata;
  std::vector<HeaderEntry> entries;  ///< in the file's order; a name may occur twice
};

/// \throws FormatError when the text is no JSON or has anything but what the format allows, in the place it allows it
[[nodiscard]] Header parse_header(std::string_view text);

}  // namespace backpass::io

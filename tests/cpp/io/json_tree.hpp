/// The JSON parser's own tree, to build and damage texts with; the library does without.
#pragma once

#include <string_view>

#include "io/nlohmann.hpp"

namespace backpass::test {

using Json = nlohmann::json;

}  // namespace backpass::test

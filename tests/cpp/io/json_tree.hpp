/// The tree of the JSON parser, which tests use to build and damage texts. The library builds no tree.
#pragma once

#include <string_view>

#include "io/nlohmann.hpp"

namespace backpass::test {

using Json = nlohmann::json;

}  // namespace backpass::test

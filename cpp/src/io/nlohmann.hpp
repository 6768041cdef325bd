/// The JSON parser, in a private namespace. A program may contain the same parser, compiled with other options
/// (-fno-exceptions). The linker keeps only one copy of functions with the same name. Without the private namespace,
/// this could be the program's copy.
#pragma once

#if defined(NLOHMANN_JSON_VERSION_MAJOR)
#error "include io/nlohmann.hpp before any other header of the JSON parser"
#endif

#define NLOHMANN_JSON_NAMESPACE nlohmann::backpass_private
#define NLOHMANN_JSON_NAMESPACE_BEGIN \
  namespace nlohmann {                \
  inline namespace backpass_private {
#define NLOHMANN_JSON_NAMESPACE_END \
  }                                 \
  }

#include <nlohmann/json.hpp>

#if NLOHMANN_JSON_VERSION_MAJOR * 10000 + NLOHMANN_JSON_VERSION_MINOR * 100 + NLOHMANN_JSON_VERSION_PATCH < 31102
#error "nlohmann/json 3.11.2 or newer is required: older versions cannot have a private namespace"
#endif

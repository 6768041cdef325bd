/// The JSON parser, in a namespace of this library's own. Another program may hold the same parser, compiled with other
/// options (-fno-exceptions). The linker keeps one copy of functions of equal name, and the copy could be the other
/// program's.
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
#error "the JSON parser is too old: 3.11.2 is needed, the first that takes a namespace"
#endif

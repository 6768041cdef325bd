/// \file compiler.hpp
/// Checks that the compiler is supported, and that a program and the library use the same standard library options. The
/// other headers include this file, so that an unsupported compiler reports a one-line error.
#pragma once

#if defined(__clang__)
#if __clang_major__ < 14
#error "backpass needs Clang 14 or newer (or GCC 12)"
#endif
#elif !defined(__GNUC__) || __GNUC__ < 12
#error "backpass needs GCC 12 or newer (or Clang 14)"
#endif
#if !defined(__cplusplus) || __cplusplus < 202002L
#error "backpass needs C++20: compile with -std=c++20 or later"
#endif
#if !defined(__SIZEOF_POINTER__) || __SIZEOF_POINTER__ < 8
#error "backpass needs a 64-bit target"
#endif

#include <type_traits>
#include <version>

#include <backpass/export.hpp>

// libstdc++ has two layouts of its containers (_GLIBCXX_DEBUG) and two of std::string (_GLIBCXX_USE_CXX11_ABI). If a
// program and the library use different layouts, they pass each other objects of the wrong size. So the library defines
// symbols whose names state its layouts. Every object file that includes this header refers to the symbols of its own
// layouts. If they differ, the linker reports an undefined symbol.
#if defined(__GLIBCXX__)
#if defined(_GLIBCXX_DEBUG)
#define BACKPASS_CONTAINERS backpass_must_be_built_with_GLIBCXX_DEBUG
#else
#define BACKPASS_CONTAINERS backpass_must_be_built_without_GLIBCXX_DEBUG
#endif
#if _GLIBCXX_USE_CXX11_ABI
#define BACKPASS_STRINGS backpass_must_be_built_with_GLIBCXX_USE_CXX11_ABI_1
#else
#define BACKPASS_STRINGS backpass_must_be_built_with_GLIBCXX_USE_CXX11_ABI_0
#endif
// retain: the linker keeps the reference in spite of --gc-sections.
#if defined(__ELF__) && __has_attribute(retain)
#define BACKPASS_KEEP __attribute__((used, retain))
#else
#define BACKPASS_KEEP __attribute__((used))
#endif
extern "C" {
BACKPASS_EXPORT extern const char BACKPASS_CONTAINERS;
BACKPASS_EXPORT extern const char BACKPASS_STRINGS;
}
namespace backpass {
BACKPASS_KEEP static const char* const kLayoutsNeeded[] = {&BACKPASS_CONTAINERS, &BACKPASS_STRINGS};
}
#endif

namespace backpass {

/// True for the element types of a network: float and double.
template <class T>
inline constexpr bool is_real = std::is_same_v<T, float> || std::is_same_v<T, double>;

/// NumPy's name of an element type: "float32" or "float64". Files and messages use it.
template <class T>
  requires(is_real<T>)
inline constexpr const char* type_name = std::is_same_v<T, float> ? "float32" : "float64";

}  // namespace backpass

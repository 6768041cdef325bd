/// \file compiler.hpp
/// What a compiler must be to read the headers, and how a program and the library must agree. Every other header
/// includes this file, so that a compiler that does not fit says so in one line.
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

// libstdc++ has two layouts of its containers (_GLIBCXX_DEBUG) and two of std::string (_GLIBCXX_USE_CXX11_ABI). A
// program and a library that differ pass each other objects of the wrong size. So the library defines symbols that name
// its own layouts, and every object file that includes this header refers to the symbols it needs: the linker reports
// the others.
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
// retain: --gc-sections keeps the reference.
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

/// What networks are made of.
template <class T>
inline constexpr bool is_real = std::is_same_v<T, float> || std::is_same_v<T, double>;

}  // namespace backpass

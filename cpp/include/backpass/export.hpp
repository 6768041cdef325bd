/// \file export.hpp
/// Marks the symbols that a shared library exports. For a static library, BACKPASS_SHARED is not defined, and the macro
/// is empty.
#pragma once

#ifdef BACKPASS_SHARED
#define BACKPASS_EXPORT __attribute__((visibility("default")))
#else
#define BACKPASS_EXPORT
#endif

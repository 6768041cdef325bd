/// \file export.hpp
/// Marks what a shared library shows. In a static one there is nothing to mark: BACKPASS_SHARED is not defined then.
#pragma once

#ifdef BACKPASS_SHARED
#define BACKPASS_EXPORT __attribute__((visibility("default")))
#else
#define BACKPASS_EXPORT
#endif

/// The hardware for which the library is tuned: one core of a current x86-64 server. Zen 4, and Intel's cores since Ice
/// Lake, have the same or larger caches. Tuning constants are fractions of these values. No result depends on a value
/// here.
///
/// Includes only C headers, because the kernels include this file.
#pragma once

#include <stddef.h>

namespace backpass::hardware {

inline constexpr size_t kCacheLine = 64;  // bytes, here and below

inline constexpr size_t kL1 = size_t{32} << 10;
/// Two addresses with a distance that is a multiple of this are in the same set of the first-level cache.
inline constexpr size_t kL1Way = size_t{4} << 10;

inline constexpr size_t kL2 = size_t{1} << 20;
inline constexpr size_t kL2Ways = 8;
inline constexpr size_t kL2Way = kL2 / kL2Ways;

/// One core's share of the third-level cache.
inline constexpr size_t kL3 = size_t{8} << 20;

/// Multiply-adds of float per nanosecond: about 3 GHz times one multiply-add of 16 lanes per cycle.
inline constexpr double kMultiplyAddsPerNanosecond = 50.0;

}  // namespace backpass::hardware

/// CPU features that not every CPU of an architecture has, as bits. A kernel set lists the features that its compiler
/// may use, and runs only on a CPU that has all of them. Includes only C headers, because the translation units of all
/// instruction sets include this file.
#pragma once

#include <stdint.h>

namespace backpass::kernels {

/// Features of x86-64 beyond SSE2, which every x86-64 CPU has.
enum CpuFeature : uint32_t {
  kSse3 = 1U << 0,
  kSsse3 = 1U << 1,
  kSse41 = 1U << 2,
  kSse42 = 1U << 3,
  kPopcnt = 1U << 4,
  kAvx = 1U << 5,
  kAvx2 = 1U << 6,
  kFma = 1U << 7,
  kF16c = 1U << 8,
  kBmi = 1U << 9,
  kBmi2 = 1U << 10,
  kLzcnt = 1U << 11,
  kMovbe = 1U << 12,
  kAvx512f = 1U << 13,
  kAvx512bw = 1U << 14,
  kAvx512cd = 1U << 15,
  kAvx512dq = 1U << 16,
  kAvx512vl = 1U << 17,
};

}  // namespace backpass::kernels

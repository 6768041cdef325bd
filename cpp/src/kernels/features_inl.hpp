/// The CPU features that the compiler may use in this translation unit, according to its predefined macros: the
/// features that the flags name and the features that these imply. tests/check_isa_flags.py compares the list below
/// with the compiler.
#pragma once

#include "kernels/cpu_features.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

constexpr uint32_t kFeatures = 0
#ifdef __SSE3__
                               | kSse3
#endif
#ifdef __SSSE3__
                               | kSsse3
#endif
#ifdef __SSE4_1__
                               | kSse41
#endif
#ifdef __SSE4_2__
                               | kSse42
#endif
#ifdef __CRC32__
                               | kSse42  // CPUID reports the CRC instruction as a part of SSE 4.2
#endif
#ifdef __POPCNT__
                               | kPopcnt
#endif
#ifdef __AVX__
                               | kAvx
#endif
#ifdef __XSAVE__
                               | kAvx  // CPUID reports AVX only if the operating system uses XSAVE
#endif
#ifdef __AVX2__
                               | kAvx2
#endif
#ifdef __FMA__
                               | kFma
#endif
#ifdef __F16C__
                               | kF16c
#endif
#ifdef __BMI__
                               | kBmi
#endif
#ifdef __BMI2__
                               | kBmi2
#endif
#ifdef __LZCNT__
                               | kLzcnt
#endif
#ifdef __MOVBE__
                               | kMovbe
#endif
#ifdef __AVX512F__
                               | kAvx512f
#endif
#ifdef __AVX512BW__
                               | kAvx512bw
#endif
#ifdef __AVX512CD__
                               | kAvx512cd
#endif
#ifdef __AVX512DQ__
                               | kAvx512dq
#endif
#ifdef __AVX512VL__
                               | kAvx512vl
#endif
    ;

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

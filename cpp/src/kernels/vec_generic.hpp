/// Any CPU, without fused multiply-add.
#pragma once

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

inline constexpr int kVectorBytes = 16;
#if defined(__ARM_NEON)
inline constexpr int kRegisters = 32;
#else
inline constexpr int kRegisters = 16;
#endif
inline constexpr bool kFused = false;  ///< fma() rounds once

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

#include "kernels/vec_portable.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

BP_INLINE VecF fma(VecF a, VecF b, VecF c) { return a * b + c; }
BP_INLINE VecD fma(VecD a, VecD b, VecD c) { return a * b + c; }

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

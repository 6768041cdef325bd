/// NEON of arm64: 128-bit vectors and fused multiply-add.
#pragma once

#include <arm_neon.h>

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

inline constexpr int kVectorBytes = 16;
inline constexpr int kRegisters = 32;
inline constexpr bool kFused = true;  ///< fma() rounds once

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

#include "kernels/vec_portable.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

BP_INLINE VecF fma(VecF a, VecF b, VecF c) { return (VecF)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
BP_INLINE VecD fma(VecD a, VecD b, VecD c) { return (VecD)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b); }

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

/// 128-bit vectors in standard C++ and the compiler's vector types, for any CPU. vec.hpp documents the functions. The
/// file that includes this one defines fma().
#pragma once

#include "kernels/vec_types.hpp"
#include "kernels/vec_without_masks.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

BP_INLINE VecF sqrt(VecF v) {
  for (int i = 0; i < kLanes<float>; ++i) v[i] = __builtin_sqrtf(v[i]);
  return v;
}
BP_INLINE VecD sqrt(VecD v) {
  for (int i = 0; i < kLanes<double>; ++i) v[i] = __builtin_sqrt(v[i]);
  return v;
}

BP_INLINE VecF max(VecF a, VecF b) { return a > b ? a : b; }
BP_INLINE VecD max(VecD a, VecD b) { return a > b ? a : b; }
BP_INLINE VecF min(VecF a, VecF b) { return a < b ? a : b; }
BP_INLINE VecD min(VecD a, VecD b) { return a < b ? a : b; }

BP_INLINE bool any(VecInt<float> mask) { return (mask[0] | mask[1] | mask[2] | mask[3]) != 0; }
BP_INLINE bool any(VecInt<double> mask) { return (mask[0] | mask[1]) != 0; }

BP_INLINE VecBits<double> multiply_lower_halves(VecBits<double> a, VecBits<double> b) {
  return (a & 0xffffffffU) * (b & 0xffffffffU);
}

BP_INLINE VecD widen_first(VecF v) { return VecD{static_cast<double>(v[0]), static_cast<double>(v[1])}; }
BP_INLINE VecD widen_second(VecF v) { return VecD{static_cast<double>(v[2]), static_cast<double>(v[3])}; }

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

// The instruction set that every CPU of the architecture has: x86-64 with SSE2, or arm64; without fused multiply-add.
#define BACKPASS_KERNEL_NAMESPACE baseline
#define BACKPASS_KERNEL_NAME "baseline"
#define BACKPASS_KERNEL_VECTORS "kernels/vec_baseline.hpp"

#include "kernels/kernel_set_inl.hpp"

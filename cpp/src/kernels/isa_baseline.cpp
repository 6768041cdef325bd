// The instruction set every CPU of this architecture has: x86-64 with SSE2, arm64; no fused multiply-add.
#define BACKPASS_KERNEL_NAMESPACE baseline
#define BACKPASS_KERNEL_NAME "baseline"

#include "kernels/stamp_inl.hpp"

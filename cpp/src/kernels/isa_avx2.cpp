// x86-64-v3: 256-bit vectors and fused multiply-add (Haswell, Zen and later).
#define BACKPASS_KERNEL_NAMESPACE avx2
#define BACKPASS_KERNEL_NAME "avx2"
#define BACKPASS_KERNEL_VECTORS "kernels/vec_avx2.hpp"

#include "kernels/kernel_set_inl.hpp"

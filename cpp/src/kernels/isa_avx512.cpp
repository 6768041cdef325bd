// x86-64-v4: 512-bit vectors (Skylake-X, Zen 4 and later).
#define BACKPASS_KERNEL_NAMESPACE avx512
#define BACKPASS_KERNEL_NAME "avx512"
#define BACKPASS_KERNEL_VECTORS "kernels/vec_avx512.hpp"

#include "kernels/kernel_set_inl.hpp"

// arm64 with fused multiply-add.
#define BACKPASS_KERNEL_NAMESPACE neon
#define BACKPASS_KERNEL_NAME "neon"
#define BACKPASS_KERNEL_VECTORS "kernels/vec_neon.hpp"

#include "kernels/kernel_set_inl.hpp"

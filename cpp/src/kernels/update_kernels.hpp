/// The optimizers' update kernels, part of the kernel table. Plain data only, see kernel_table.hpp.
#pragma once

namespace backpass::kernels {

template <class T>
struct UpdateKernels {};

}  // namespace backpass::kernels

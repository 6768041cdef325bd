/// Makes the kernel set of one instruction set out of the -inl files. Included once by each isa_<name>.cpp, which defines
/// BACKPASS_KERNEL_NAMESPACE (its namespace) and BACKPASS_KERNEL_NAME (its name as a string) before.
#include "kernels/kernel_table.hpp"
#include "kernels/vec.hpp"

#include "kernels/gemm_inl.hpp"
#include "kernels/update_inl.hpp"

namespace backpass::kernels {
namespace BACKPASS_KERNEL_NAMESPACE {

template <class T>
constexpr KernelTable<T> make_table() {
  KernelTable<T> t{};
  t.lanes = kLanes<T>;
  add_gemm_kernels(t);
  add_update_kernels(t);
  return t;
}

/// The one symbol of this translation unit.
extern const KernelSet kKernels;
const KernelSet kKernels{BACKPASS_KERNEL_NAME, make_table<float>(), make_table<double>()};

}  // namespace BACKPASS_KERNEL_NAMESPACE
}  // namespace backpass::kernels

/// Builds the kernel set of one instruction set from the -inl files. Each isa_<name>.cpp includes this file once, after
/// defining BACKPASS_KERNEL_NAMESPACE (its namespace) and BACKPASS_KERNEL_NAME (its name as a string).
#include "kernels/kernel_table.hpp"
#include "kernels/vec.hpp"

#include "kernels/activation_inl.hpp"
#include "kernels/cross_entropy_inl.hpp"
#include "kernels/dropout_inl.hpp"
#include "kernels/features_inl.hpp"
#include "kernels/gemm_few_rows_inl.hpp"
#include "kernels/gemm_inl.hpp"
#include "kernels/loss_inl.hpp"
#include "kernels/pack_inl.hpp"
#include "kernels/softmax_inl.hpp"
#include "kernels/update_inl.hpp"
#include "kernels/vector_ops_inl.hpp"

namespace backpass::kernels {
namespace BACKPASS_KERNEL_NAMESPACE {

template <class T>
constexpr KernelTable<T> make_table() {
  KernelTable<T> t{};
  t.lanes = kLanes<T>;
  add_gemm_kernels(t);
  add_gemm_few_rows_kernel(t);
  add_pack_kernels(t);
  add_update_kernels(t);
  add_activation_kernels(t);
  add_softmax_kernels(t);
  add_loss_kernels(t);
  add_cross_entropy_kernels(t);
  add_dropout_kernels(t);
  add_vector_kernels(t);
  return t;
}

/// The only symbol of this translation unit. The compiler initialises it, so that static objects of other files may use
/// networks in their constructors.
extern const KernelSet kKernels;
constinit const KernelSet kKernels{BACKPASS_KERNEL_NAME, kFeatures, make_table<float>(), make_table<double>()};

}  // namespace BACKPASS_KERNEL_NAMESPACE
}  // namespace backpass::kernels

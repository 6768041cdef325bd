namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {
template <class T> constexpr void add_gemm_kernels(KernelTable<T>&) {}
}

/// The kernel sets of this build, and the set in use.
#pragma once

#include <span>
#include <string>

#include "base/of_type.hpp"
#include "kernels/kernel_table.hpp"

namespace backpass::kernels {

/// All sets in this build, slowest first.
std::span<const KernelSet* const> built();
/// The CpuFeature bits of this CPU that the operating system supports.
uint32_t cpu_features();
/// True if this CPU and its operating system can run the set.
bool usable(const KernelSet& set);
/// The fastest usable set, or the set that BACKPASS_ISA names. The first call decides.
/// \throws std::runtime_error if the set that BACKPASS_ISA names is not built or not usable
const KernelSet& active();

template <class T>
const KernelTable<T>& table(const KernelSet& set) {
  return of_type<T>(set.f32, set.f64);
}
template <class T>
const KernelTable<T>& table() {
  return table<T>(active());
}

}  // namespace backpass::kernels

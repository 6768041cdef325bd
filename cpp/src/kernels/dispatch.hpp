/// Which kernel sets there are, and the one in use.
#pragma once

#include <span>
#include <string>

#include "kernels/kernel_table.hpp"

namespace backpass::kernels {

/// All compiled in, slowest first.
std::span<const KernelSet* const> built();
/// The CpuFeature bits of this CPU, as far as the operating system supports them.
uint32_t cpu_features();
/// Whether this CPU (and operating system) can run the set.
bool usable(const KernelSet& set);
/// The fastest usable set, or the one BACKPASS_ISA names; decided on the first call.
/// \throws std::runtime_error when BACKPASS_ISA names one that is not built or not usable
const KernelSet& active();

template <class T>
const KernelTable<T>& table(const KernelSet& set) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return set.f32;
  } else {
    return set.f64;
  }
}
template <class T>
const KernelTable<T>& table() {
  return table<T>(active());
}

}  // namespace backpass::kernels

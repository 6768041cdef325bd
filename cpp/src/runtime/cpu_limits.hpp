/// The number of CPUs that this process may use.
#pragma once

namespace backpass::runtime {

/// The smallest of the machine's CPUs, the affinity mask and the cgroup's quota (rounded up); at least 1. If OpenMP
/// binds each thread to a place, the CPUs of all its places count instead of the mask.
[[nodiscard]] int available_cpus();

}  // namespace backpass::runtime

/// How many CPUs this process may really use.
#pragma once

namespace backpass::runtime {

/// The smallest of the machine's CPUs, the affinity mask and the cgroup's quota (rounded up); at least 1. Where OpenMP
/// binds each thread to a place, all its places count.
[[nodiscard]] int available_cpus();

}  // namespace backpass::runtime

/// \file runtime.hpp
/// Threads and instruction sets. The bits of a result do not depend on the number of threads, but they depend on the
/// instruction set.
#pragma once

#include <string>
#include <vector>

#include <backpass/compiler.hpp>

namespace backpass {

/// Sets the largest number of threads that a call may use. A call uses fewer if it has little work or if the system
/// does not provide the threads. A number above max_num_threads() means max_num_threads().
/// \throws std::invalid_argument if n < 1; std::runtime_error as get_num_threads()
BACKPASS_EXPORT void set_num_threads(int n);

/// The largest number of threads that a call may use. The default is the smallest of:
/// - the environment variable BACKPASS_NUM_THREADS, or OMP_NUM_THREADS if the former is not set;
/// - the number of CPUs that this process may run on (affinity). If OpenMP binds threads to places, all places count;
/// - the CPU quota of the cgroup, rounded up.
/// \throws std::runtime_error on first use if BACKPASS_NUM_THREADS is set, but not to a positive integer
[[nodiscard]] BACKPASS_EXPORT int get_num_threads();

/// The upper limit of the threads of any call: four per CPU, or 64 if that is more.
[[nodiscard]] BACKPASS_EXPORT int max_num_threads() noexcept;

/// The build, and the settings in use.
struct Config {
  std::string version;
  std::string compiler;
  std::string openmp;                    ///< "" when built without OpenMP
  std::vector<std::string> isas_built;   ///< kernel sets compiled in, slowest first
  std::vector<std::string> isas_usable;  ///< kernel sets that this CPU can run
  std::string isa;                       ///< the kernel set in use; the environment variable BACKPASS_ISA selects it
  int num_threads = 1;                   ///< get_num_threads()
};
[[nodiscard]] BACKPASS_EXPORT Config config();

/// The kernel set in use: "baseline", "avx2", "avx512" or "neon".
/// \throws std::runtime_error on first use if BACKPASS_ISA names a set that this build or CPU does not have
[[nodiscard]] BACKPASS_EXPORT const char* active_isa();

}  // namespace backpass

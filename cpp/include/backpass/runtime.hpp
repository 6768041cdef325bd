/// \file runtime.hpp
/// Threads and instruction sets. Neither changes a result's bits, except that instruction sets differ among each other.
#pragma once

#include <string>
#include <vector>

#include <backpass/compiler.hpp>

namespace backpass {

/// The largest number of threads a call may use; calls use fewer where the work is small, and where the system does not
/// give so many. More than max_num_threads() means that many.
/// \throws std::invalid_argument when n < 1; std::runtime_error as get_num_threads()
BACKPASS_EXPORT void set_num_threads(int n);

/// The default is the smallest of: BACKPASS_NUM_THREADS or else OMP_NUM_THREADS if set, the CPUs this process
/// may run on (affinity; all of OpenMP's places where OpenMP binds threads to them), and the cgroup's CPU quota rounded
/// up.
/// \throws std::runtime_error on first use when BACKPASS_NUM_THREADS is set to anything but a positive integer
[[nodiscard]] BACKPASS_EXPORT int get_num_threads();

/// The most threads that any call uses, whatever it is told: four per CPU, or 64 if that is more.
[[nodiscard]] BACKPASS_EXPORT int max_num_threads() noexcept;

/// What was built and what is in use.
struct Config {
  std::string version;
  std::string compiler;
  std::string openmp;                    ///< "" when built without OpenMP
  std::vector<std::string> isas_built;   ///< kernel sets compiled in, slowest first
  std::vector<std::string> isas_usable;  ///< those this CPU can run
  std::string isa;                       ///< the one in use; BACKPASS_ISA forces it at start-up
  int num_threads = 1;
};
[[nodiscard]] BACKPASS_EXPORT Config config();

/// The kernel set in use: "baseline", "avx2", "avx512" or "neon".
/// \throws std::runtime_error on first use when BACKPASS_ISA names a set this build or CPU does not have
[[nodiscard]] BACKPASS_EXPORT const char* active_isa();

}  // namespace backpass

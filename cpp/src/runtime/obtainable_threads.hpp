/// The number of threads that the system would give this process now.
#pragma once

namespace backpass::runtime {

/// OpenMP's runtimes end the process if the system refuses them a thread: GCC's runtime prints a message and calls
/// exit(1). They have no function that asks first. So this function starts plain threads, `requested` and one spare
/// thread, all alive at the same time and each with the stack that OpenMP's threads would have. While they are alive,
/// it also allocates memory. Then it releases everything, and the caller may request as many threads from OpenMP as
/// were obtained.
///
/// Between the two moments, other threads and processes may take what was released. The spare thread and the memory are
/// a margin, but not for every case: if a process is at its limit of threads and others start threads in the same
/// microseconds, OpenMP may still end it.
/// \returns at most `requested`; 0 if the system gives no thread, or hardly any memory
[[nodiscard]] int obtainable_threads(int requested) noexcept;

}  // namespace backpass::runtime

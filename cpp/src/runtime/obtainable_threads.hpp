/// How many threads the system would give this process now.
#pragma once

namespace backpass::runtime {

/// OpenMP's runtimes end the process when the system refuses them a thread: GCC's prints a message and calls exit(1).
/// They offer no way to ask first. So plain threads are started, as many as `wanted` and one to spare, all alive at the
/// same time, each with the stack that OpenMP's threads would have; with them, memory is allocated. Then all of
/// that is given back, and the caller may ask OpenMP for as many threads as were obtained.
///
/// Between the two moments other threads and processes may take what was given back. The spare thread and the memory
/// allow for a little of that, not for all: a process that is at its limit of threads while others start threads in the
/// same microseconds may still be ended by OpenMP.
/// \returns at most `wanted`; 0 when there is no thread, or hardly any memory, to be had
[[nodiscard]] int obtainable_threads(int wanted) noexcept;

}  // namespace backpass::runtime

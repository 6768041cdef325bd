#include <backpass/runtime.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include "runtime/cpu_limits.hpp"

namespace backpass {
namespace {

/// The positive number an environment variable starts with (OMP_NUM_THREADS may be a list), or 0.
int positive_from_environment(const char* name) noexcept {
  const char* text = std::getenv(name);
  return text == nullptr ? 0 : static_cast<int>(std::clamp(std::strtol(text, nullptr, 10), 0L, 4096L));
}

int default_num_threads() {
  const int cpus = runtime::available_cpus();
  for (const char* name : {"BACKPASS_NUM_THREADS", "OMP_NUM_THREADS"}) {
    if (const int wanted = positive_from_environment(name); wanted > 0) {
      return std::min(wanted, cpus);
    }
  }
  return cpus;
}

std::atomic<int>& thread_limit() {
  static std::atomic<int> limit{default_num_threads()};
  return limit;
}

}  // namespace

void set_num_threads(int n) {
  if (n < 1) {
    throw std::invalid_argument("the number of threads must be at least 1, not " + std::to_string(n));
  }
  thread_limit().store(n, std::memory_order_relaxed);
}

int get_num_threads() noexcept { return thread_limit().load(std::memory_order_relaxed); }

}  // namespace backpass

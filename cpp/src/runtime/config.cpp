#include <backpass/runtime.hpp>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "runtime/cpu_limits.hpp"

namespace backpass {
namespace {

/// The positive number in BACKPASS_NUM_THREADS, or 0 if the variable is unset or empty.
int threads_from_env() {
  const char* value = std::getenv("BACKPASS_NUM_THREADS");
  const std::string_view text = value == nullptr ? "" : value;
  if (text.empty()) {
    return 0;
  }
  int requested = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), requested);
  if (error == std::errc::result_out_of_range && text.front() != '-') {
    requested = INT_MAX;
  }
  if (end != text.data() + text.size() || requested < 1) {
    throw std::runtime_error("BACKPASS_NUM_THREADS=" + std::string(text) + " is not a positive integer");
  }
  return requested;
}

/// The first number of OMP_NUM_THREADS, which may be a list. 0 if the variable does not begin with a positive number:
/// OpenMP reports such a value.
int threads_from_openmp_env() noexcept {
  const char* text = std::getenv("OMP_NUM_THREADS");
  return text == nullptr ? 0 : static_cast<int>(std::clamp(std::strtol(text, nullptr, 10), 0L, long{INT_MAX}));
}

int default_num_threads() {
  const int cpus = runtime::available_cpus();
  for (const int requested : {threads_from_env(), threads_from_openmp_env()}) {
    if (requested > 0) {
      return std::min(requested, cpus);
    }
  }
  return cpus;
}

/// 0 until the first get_num_threads(). Relaxed: the number is the only shared data. Not a local static: its
/// initialisation holds a lock, and if another thread forked at that moment, the child would wait for ever.
constinit std::atomic<int> thread_limit{0};

}  // namespace

void set_num_threads(int n) {
  if (n < 1) {
    throw std::invalid_argument("the number of threads must be at least 1, not " + std::to_string(n));
  }
  (void)get_num_threads();  // reports an error in the environment first
  thread_limit.store(std::min(n, max_num_threads()), std::memory_order_relaxed);
}

int get_num_threads() {
  int limit = thread_limit.load(std::memory_order_relaxed);
  if (limit == 0) {
    const int requested = default_num_threads();
    // If another thread has set a number in the meantime, that number stays, and the exchange stores it in `limit`.
    if (thread_limit.compare_exchange_strong(limit, requested, std::memory_order_relaxed)) {
      limit = requested;
    }
  }
  return limit;
}

int max_num_threads() noexcept {
  // Relaxed: threads that get here at the same time find the same number.
  static constinit std::atomic<int> most{0};
  int number = most.load(std::memory_order_relaxed);
  if (number == 0) {
    number = std::max(64, 4 * static_cast<int>(std::thread::hardware_concurrency()));
    most.store(number, std::memory_order_relaxed);
  }
  return number;
}

}  // namespace backpass

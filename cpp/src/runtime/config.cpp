#include <backpass/runtime.hpp>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>

#include "runtime/cpu_limits.hpp"

namespace backpass {
namespace {

/// A variable of ours is a whole number, or a mistake. Unset and empty: 0.
int own_variable(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') {
    return 0;
  }
  const std::string_view digits(text);
  int n = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  if (error == std::errc::result_out_of_range && *text != '-') {
    n = std::numeric_limits<int>::max();
  }
  if (n < 1 || end != digits.data() + digits.size()) {
    throw std::runtime_error(std::string(name) + "=" + text +
                             " is no number of threads; it must be a whole number of "
                             "at least 1");
  }
  return n;
}

/// The positive number that OpenMP's variable starts with (it may be a list), or 0: what is wrong with it, OpenMP says.
int openmp_variable() noexcept {
  const char* text = std::getenv("OMP_NUM_THREADS");
  return text == nullptr ? 0 : static_cast<int>(std::clamp(std::strtol(text, nullptr, 10), 0L, 4096L));
}

int default_num_threads() {
  const int cpus = runtime::available_cpus();
  const int own = own_variable("BACKPASS_NUM_THREADS");
  const int wanted = own > 0 ? own : openmp_variable();
  return wanted > 0 ? std::min(wanted, cpus) : cpus;
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

int get_num_threads() { return thread_limit().load(std::memory_order_relaxed); }

}  // namespace backpass

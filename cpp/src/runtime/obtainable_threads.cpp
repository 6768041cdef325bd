#include "runtime/obtainable_threads.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>

#include "runtime/atomic_wait.hpp"
#include "runtime/thread_pool.hpp"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace backpass::runtime {

#if defined(__unix__) || defined(__APPLE__)
namespace {

/// Another part of the process may start this many threads between this check and the start of the pool.
constexpr int kSpareThreads = 1;
/// The helpers of the largest team, the thread that enters the region, and the spare thread.
constexpr int kMostThreads = ThreadPool::kMaxTeam + kSpareThreads;
/// Address space that a thread may take in addition to its stack: for the first allocation of a thread, glibc's malloc
/// reserves 64 MB, and for a moment twice that. OpenMP's runtimes allocate far less.
constexpr std::size_t kThreadBytes = sizeof(void*) > 4 ? std::size_t{64} << 20 : std::size_t{1} << 20;
/// Default stack size of LLVM's runtime. GCC's runtime uses the system's default.
constexpr std::size_t kLeastStack = std::size_t{4} << 20;

/// The number of bytes that a variable of the form "16M" requests. A number without a letter counts units of 2^shift
/// bytes. Returns 0 for values that the runtimes reject and ignore.
std::size_t requested_stack(const char* variable, unsigned int shift) noexcept {
  const char* text = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): read while the library is loaded
  if (text == nullptr) {
    return 0;
  }
  char* end = nullptr;
  // strtoull() returns its largest number if the text exceeds it. LLVM's runtime does the same, and GCC's ignores the
  // variable.
  const unsigned long long value = std::strtoull(text, &end, 10);
  if (end == text) {
    return 0;
  }
  while (std::isspace(static_cast<unsigned char>(*end)) != 0) {
    ++end;
  }
  switch (std::tolower(static_cast<unsigned char>(*end))) {
    case 'b':
      shift = 0;
      break;
    case 'k':
      shift = 10;
      break;
    case 'm':
      shift = 20;
      break;
    case 'g':
      shift = 30;
      break;
    case 't':
      shift = 40;
      break;
    default:
      break;
  }
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max() / 2;
  return value > (kMost >> shift) ? kMost : static_cast<std::size_t>(value) << shift;
}

/// The largest stack that any of the variables requests, because the runtimes differ in which variable they use. The
/// runtimes read the variables when they are loaded, and so does this library; a later setenv() changes nothing.
std::size_t largest_requested_stack() noexcept {
  return std::max({requested_stack("OMP_STACKSIZE", 10), requested_stack("OMP_STACKSIZE_ALL", 10),
                   requested_stack("GOMP_STACKSIZE", 10), requested_stack("KMP_STACKSIZE", 0)});
}
const std::size_t kRequestedStack = largest_requested_stack();

std::size_t stack_size(const pthread_attr_t& attributes) noexcept {
  std::size_t usual = 0;
  pthread_attr_getstacksize(&attributes, &usual);
  constexpr std::size_t kGrain = std::size_t{64} << 10;  // a multiple of every page size
  return (std::max({usual, kRequestedStack, kLeastStack}) + kGrain - 1) / kGrain * kGrain;
}

/// Whether this number of bytes can be allocated. The memory is not touched, so the test costs only address space.
bool can_allocate(std::size_t bytes) noexcept {
  void* const memory = ::operator new(bytes, std::nothrow);
  asm volatile("" : : "r"(memory) : "memory");  // keeps the compiler from removing the pair
  ::operator delete(memory, std::nothrow);
  return memory != nullptr;
}

void* wait_for_release(void* released) {
  wait(*static_cast<std::atomic<bool>*>(released), false);
  return nullptr;
}

}  // namespace

int obtainable_threads(int requested) noexcept {
  pthread_attr_t attributes;
  if (requested < 1 || pthread_attr_init(&attributes) != 0) {
    return 0;
  }
  std::array<pthread_t, kMostThreads> threads{};
  const int most = std::min(requested + kSpareThreads, kMostThreads);
  int started = 0;
  std::atomic<bool> released{false};
  if (pthread_attr_setstacksize(&attributes, stack_size(attributes)) == 0) {
    while (started < most &&
           pthread_create(&threads[static_cast<std::size_t>(started)], &attributes, wait_for_release, &released) == 0) {
      ++started;
    }
  }
  pthread_attr_destroy(&attributes);
  int usable = std::max(0, started - kSpareThreads);
  while (usable > 0 && !can_allocate((static_cast<std::size_t>(usable) + 1) * kThreadBytes)) {
    usable /= 2;
  }
  released.store(true);
  notify_all(released);
  for (int i = 0; i < started; ++i) {
    pthread_join(threads[static_cast<std::size_t>(i)], nullptr);
  }
  return usable;
}
#else
int obtainable_threads(int requested) noexcept { return requested; }
#endif

}  // namespace backpass::runtime

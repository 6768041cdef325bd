#include "runtime/thread_pool.hpp"

#include <algorithm>
#include <bit>
#include <thread>
#include <utility>

#include "runtime/atomic_wait.hpp"
#include "runtime/spin.hpp"

#if defined(_OPENMP)
#include <omp.h>
#if defined(__unix__) || defined(__APPLE__)
#include <dlfcn.h>
#endif
#endif

#if defined(_OPENMP) && defined(__ELF__)
// Weak symbols: a statically linked program need not have these functions, and the library needs no -ldl.
extern "C" {
#pragma weak dladdr
#pragma weak dlopen
}
#endif

namespace backpass::runtime {
namespace {

/// Keeps GCC's runtime loaded: it does not wait for its threads to end. If a plug-in had brought the runtime into the
/// process and were unloaded, the threads of a finished region would still run the runtime's code.
void keep_openmp_loaded() noexcept {
#if defined(_OPENMP) && (defined(__ELF__) || defined(__APPLE__))
  static constinit std::atomic<bool> done{false};  // of two threads that get here at the same time, one does the work
#if defined(__ELF__)
  if (&dladdr == nullptr || &dlopen == nullptr) {
    return;
  }
#endif
  Dl_info runtime{};
  if (!done.exchange(true) && dladdr(reinterpret_cast<const void*>(&omp_get_thread_num), &runtime) != 0) {
    // The handle is never closed, because it must last as long as the process. It is null if the runtime is part of the
    // program itself, which is not unloaded.
    (void)dlopen(runtime.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
  }
#endif
}

/// A helper without work goes to sleep after this time: four times as long as waking it takes (about 50 µs). So a loop
/// of short calls never waits for the system, and little of a core's time is lost after the last call.
constexpr std::chrono::microseconds kAwake{200};
/// If two calls begin within this time, sleeping helpers are woken for the calls that follow. Waking costs the caller a
/// few microseconds, less than 1 % of this time.
constexpr std::chrono::microseconds kFollows{1000};

/// On x86-64 relax() takes 10 to 50 ns, and reading the clock about 25 ns. A helper reads the clock every 0.6 to 3 µs,
/// which is less than 2 % of kAwake. A caller reads it every 0.2 to 0.8 µs, because it waits for 1 µs or more.
constexpr unsigned int kHelperSpinsPerClock = 64;
constexpr unsigned int kCallerSpinsPerClock = 16;
/// The caller gives its CPU away every 40 to 200 µs: a missing helper may need this CPU.
constexpr unsigned int kCallerSpinsPerYield = 4096;

std::uint64_t first_bits(int n) noexcept { return n >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1; }

}  // namespace

/// The parallel region, and the thread that has entered it. This thread only sleeps. OpenMP treats it as a main thread
/// with its own team. So the caller's regions and a fork of the caller do not disturb the region. If OpenMP binds
/// threads to places, this thread occupies the caller's place.
class ThreadPool::Threads {
 public:
  Threads(ThreadPool& pool, int helpers)
      : region_thread_([this, &pool, helpers] {
#if defined(_OPENMP)
#pragma omp parallel num_threads(helpers + 1)
          {
            const int thread = omp_get_thread_num();
            if (thread == 0) {
              publish(omp_get_num_threads() - 1);
              wait(stop_, false);
            } else {
              pool.serve(thread - 1);
            }
          }
#else
          (void)this;
          (void)pool;
          publish(0 * helpers);
#endif
        }) {
    wait(started_, -1);
  }
  ~Threads() {
    stop_.store(true);
    notify_all(stop_);
    region_thread_.join();
  }
  [[nodiscard]] int count() const noexcept { return started_.load(); }

 private:
  void publish(int helpers) noexcept {
    started_.store(helpers);
    notify_all(started_);
  }
  std::atomic<int> started_{-1};   ///< helpers of the region; the constructor waits for the number
  std::atomic<bool> stop_{false};  ///< the region's thread waits for it, then leaves the region
  std::thread region_thread_;      // last: it uses the other members
};

ThreadPool::ThreadPool(int helpers) {
  keep_openmp_loaded();
  threads_ = std::make_unique<Threads>(*this, std::min(helpers, kMaxTeam - 1));
  helpers_ = threads_->count();
}

ThreadPool::~ThreadPool() {
  stopping_.store(true, std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  notify_all(generation_);
  threads_.reset();
}

std::uint32_t ThreadPool::next_generation(std::uint32_t seen) noexcept {
  const auto spin_end = Clock::now() + kAwake;
  for (unsigned int spins = 1;; ++spins) {
    const std::uint32_t generation = generation_.load(std::memory_order_acquire);
    if (generation != seen) {
      return generation;
    }
    relax();
    if (spins % kHelperSpinsPerClock == 0 && Clock::now() > spin_end) {
      sleepers_.fetch_add(1, std::memory_order_relaxed);
      wait(generation_, seen);
      sleepers_.fetch_sub(1, std::memory_order_relaxed);
    }
  }
}

void ThreadPool::serve(int helper) noexcept {
  const std::uint64_t me = std::uint64_t{1} << helper;
  std::uint32_t seen = 0;
  while (true) {
    seen = next_generation(seen);
    if (stopping_.load(std::memory_order_relaxed)) {
      return;
    }
    // Taking an offer is one atomic step. If this helper's bit was still set, the helper is in the team and sees all
    // data of the call.
    if ((offers_.load(std::memory_order_relaxed) & me) == 0 ||
        (offers_.fetch_and(~me, std::memory_order_acq_rel) & me) == 0) {
      continue;
    }
    std::uint64_t team = invited_;  // complete if this helper is the only one
    if (team != me) {
      spin_then([&] { return (team = team_.load(std::memory_order_acquire)) != 0; }, [&] { wait(team_, 0); });
    }
    (*work_)(1 + std::popcount(team & (me - 1)), 1 + std::popcount(team));
    if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      notify_one(running_);
    }
  }
}

void ThreadPool::run(int size, JoinTimeout timeout, FunctionRef<void(int size)> start, Work work) noexcept {
  const int helpers = std::min(size - 1, helpers_);
  const int sleepers = sleepers_.load(std::memory_order_relaxed);
  const auto now = Clock::now();
  const bool follows = now - std::exchange(last_call_, now) < kFollows;
  const bool wakes = timeout.asleep.count() > 0;
  if (helpers < 1 || (sleepers == helpers_ && !wakes)) {
    if (helpers > 0 && follows) {
      generation_.fetch_add(1, std::memory_order_release);
      notify_all(generation_);
    }
    start(1);
    work(0, 1);
    return;
  }

  invited_ = first_bits(helpers);
  work_ = &work;
  start(1 + helpers);
  team_.store(0, std::memory_order_relaxed);
  running_.store(helpers, std::memory_order_relaxed);
  offers_.store(invited_, std::memory_order_release);
  generation_.fetch_add(1, std::memory_order_release);
  notify_all(generation_);

  const auto limit = sleepers > 0 && wakes ? timeout.asleep : timeout.awake;
  for (unsigned int spins = 1; offers_.load(std::memory_order_acquire) != 0; ++spins) {
    relax();
    if (spins % kCallerSpinsPerClock == 0 && Clock::now() - now >= limit) {
      break;
    }
    if (spins % kCallerSpinsPerYield == 0) {
      std::this_thread::yield();
    }
  }
  const std::uint64_t missing = offers_.exchange(0, std::memory_order_acq_rel);
  const std::uint64_t team = invited_ & ~missing;
  const int members = 1 + std::popcount(team);
  if (missing != 0) {
    start(members);
    running_.fetch_sub(std::popcount(missing), std::memory_order_relaxed);
  }
  team_.store(team, std::memory_order_release);
  notify_all(team_);
  work(0, members);
  int running = 0;
  spin_then([&] { return (running = running_.load(std::memory_order_acquire)) == 0; },
            [&] { wait(running_, running); });
}

bool may_share_work() noexcept {
#if defined(_OPENMP)
  return omp_in_parallel() == 0;
#else
  return false;
#endif
}

}  // namespace backpass::runtime

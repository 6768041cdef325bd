#include "runtime/team.hpp"

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>

#include <backpass/runtime.hpp>

#include "runtime/denormals.hpp"

#if defined(_OPENMP)
#include <omp.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif
#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace backpass::runtime {
namespace {

/// What barrier() throws into the members of a team that one of them has left by an exception.
struct TeamAborted : std::exception {};

void relax() noexcept {
#if defined(__SSE2__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

class TeamState {
 public:
  explicit TeamState(int size) noexcept : size_(size) {}

  /// Members spin, since the phases of a step are microseconds apart; after kSpins they sleep, so that on a busy
  /// machine the one they wait for can have the CPU.
  void barrier() {
    constexpr int kSpins = 2000;
    const unsigned int generation = generation_.load(std::memory_order_acquire);
    throw_if_aborted();  // the generation that an abort begins has no end
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
      arrived_.store(0, std::memory_order_relaxed);
      next_generation();
    } else {
      for (int spins = 0; generation_.load(std::memory_order_acquire) == generation; ++spins) {
        if (spins < kSpins) {
          relax();
        } else {
          generation_.wait(generation, std::memory_order_acquire);
        }
      }
    }
    throw_if_aborted();
  }

  /// Runs the work of one member, of `size` that there are, and keeps what it throws.
  void run(int rank, int size, FunctionRef<void(const Member&)> work) noexcept {
    try {
      const FlushDenormals guard;
      work(Member(rank, size, this));
    } catch (const TeamAborted&) {  // NOLINT(bugprone-empty-catch)
      // Another member has the reason.
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) {
        error_ = std::current_exception();
      }
      aborted_.store(true, std::memory_order_relaxed);
      next_generation();  // whoever waits finds out
    }
  }

  void rethrow() {
    if (error_) {
      std::rethrow_exception(error_);
    }
  }

 private:
  void throw_if_aborted() const {
    if (aborted_.load(std::memory_order_relaxed)) {
      throw TeamAborted{};
    }
  }
  void next_generation() noexcept {
    generation_.fetch_add(1, std::memory_order_release);
    generation_.notify_all();
  }

  const int size_;
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<unsigned int> generation_{0};
  std::atomic<bool> aborted_{false};
  std::mutex mutex_;
  std::exception_ptr error_;
};

void Member::barrier() const {
  if (size_ > 1) {
    state_->barrier();
  }
}

namespace {

#if defined(_OPENMP)
/// Set in a child process whose parent had used threads.
std::atomic<bool> pool_lost{false};
std::atomic<bool> threads_used{false};

void watch_forks() {
#if defined(__unix__) || defined(__APPLE__)
  static const int registered = pthread_atfork(nullptr, nullptr, [] {
    if (threads_used.load(std::memory_order_relaxed)) {
      pool_lost.store(true, std::memory_order_relaxed);
    }
  });
  (void)registered;
#endif
}

/// libgomp takes memory for a new team whenever the number of threads differs from the last region's. A team that is up
/// to kSlack times too large is therefore used again; its spare threads leave at once.
int region_size(int threads) noexcept {
  constexpr int kSlack = 4;
  thread_local int last = 0;
  last = threads <= last && last <= kSlack * threads ? last : threads;
  return last;
}

void openmp_region(int threads, TeamState& state, FunctionRef<void(const Member&)> work) {
#pragma omp parallel num_threads(region_size(threads))
  {
    // The runtime may give fewer threads than asked for (a limit, say): ranks without a thread would never reach
    // the barrier, so the team then shrinks to one.
    const int rank = omp_get_thread_num();
    if (omp_get_num_threads() >= threads) {
      if (rank < threads) {
        state.run(rank, threads, work);
      }
    } else if (rank == 0) {
      state.run(rank, 1, work);
    }
  }
}
#endif

}  // namespace

void parallel(int threads, FunctionRef<void(const Member&)> work) {
#if defined(_OPENMP)
  if (threads > 1 && !omp_in_parallel()) {
    watch_forks();
    threads_used.store(true, std::memory_order_relaxed);
    TeamState state(threads);
    if (pool_lost.load(std::memory_order_relaxed)) {
      std::thread([&] { openmp_region(threads, state, work); }).join();
    } else {
      openmp_region(threads, state, work);
    }
    state.rethrow();
    return;
  }
#else
  (void)threads;
#endif
  const FlushDenormals guard;
  work(Member(0, 1, nullptr));
}

int threads_for(double multiply_adds, int limit) {
  // A region costs one to five microseconds, and a core makes about 5e4 multiply-adds in one of them: a thread must
  // have tens of microseconds to do.
  constexpr double kWorkPerThread = 1e6;
  const int most = limit > 0 ? std::min(limit, max_num_threads()) : get_num_threads();
  return std::max(1, static_cast<int>(std::min<double>(most, multiply_adds / kWorkPerThread)));
}

}  // namespace backpass::runtime

#include "runtime/team.hpp"

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

#include <backpass/runtime.hpp>

#include "base/floating_point_mode.hpp"
#include "base/hardware.hpp"
#include "runtime/atomic_wait.hpp"
#include "runtime/interrupt.hpp"
#include "runtime/obtainable_threads.hpp"
#include "runtime/spin.hpp"
#include "runtime/thread_pool.hpp"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace backpass::runtime {

class TeamState {
 public:
  /// Must be called before any member runs.
  void set_size(int size) noexcept { size_ = size; }

  /// Members spin first, because the phases of a step are microseconds apart. Then they sleep, so that on a busy
  /// machine the missing member can get the CPU.
  void barrier() {
    const unsigned int generation = generation_.load(std::memory_order_acquire);
    throw_if_aborted();  // an abort starts a generation that never completes
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
      arrived_.store(0, std::memory_order_relaxed);
      next_generation();
    } else {
      spin_then([&] { return generation_.load(std::memory_order_acquire) != generation; },
                [&] { wait(generation_, generation); });
    }
    throw_if_aborted();
  }

  /// Runs the work of one of `size` members, and stores the first exception of the team.
  void run(int rank, int size, FunctionRef<void(const Member&)> work) noexcept {
    try {
      const FloatingPointMode mode;
      const PollTeam polls(aborted_);
      work(Member(rank, size, this));
    } catch (const TeamAborted&) {  // NOLINT(bugprone-empty-catch)
      // The member that aborted has stored its exception.
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) {
        error_ = std::current_exception();
      }
      aborted_.store(true, std::memory_order_relaxed);
      next_generation();  // wakes the waiting members
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
    notify_all(generation_);
  }

  int size_ = 1;
  /// Members that have come to the current barrier. The increments (acquire, release) make the writes of all members
  /// visible to the last one, which starts the next generation.
  alignas(hardware::kCacheLine) std::atomic<int> arrived_{0};
  /// Counts barriers. The increment (release) makes these writes visible to the members that wait for it (acquire).
  alignas(hardware::kCacheLine) std::atomic<unsigned int> generation_{0};
  /// Relaxed: only a request to stop. After an abort no member uses data of another member.
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

/// The threads of the process. Only one call at a time can use them.
class GlobalPool {
 public:
  constexpr GlobalPool() noexcept = default;
  ~GlobalPool() {
    closed_.store(true);
    // A daemon thread's call may still use the threads: wait up to 100 ms for it. LLVM's runtime aborts the process if
    // it ends during a region.
    const auto enough = Clock::now() + std::chrono::milliseconds(100);
    while (busy_.exchange(true)) {
      if (Clock::now() > enough) {
        return;
      }
      std::this_thread::yield();
    }
    delete pool_;
  }
  GlobalPool(const GlobalPool&) = delete;
  GlobalPool& operator=(const GlobalPool&) = delete;

  /// Returns the pool with up to threads − 1 helpers, for use until give_back(). Returns null if another call uses the
  /// pool, or if no pool may or can help.
  ThreadPool* take(int threads) noexcept {
    if (!may_share_work() || busy_.exchange(true, std::memory_order_acquire)) {
      return nullptr;
    }
    start(threads);
    if (pool_ == nullptr) {
      give_back();
    }
    return pool_;
  }
  void give_back() noexcept { busy_.store(false, std::memory_order_release); }

  /// Starts the threads that take(threads) would start. Waits for a call that uses the pool.
  void prepare(int threads) noexcept {
    if (!may_share_work()) {
      return;
    }
    while (busy_.exchange(true, std::memory_order_acquire)) {
      if (closed_.load()) {  // the program is ending: start no threads
        return;
      }
      std::this_thread::yield();
    }
    start(threads);
    give_back();
  }

  /// For a child process, in which the threads do not exist. Their memory cannot be freed.
  void reset_after_fork() noexcept {
    pool_ = nullptr;
    requested_ = 0;
    shortage_ = false;
    give_back();
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// After a shortage of threads, calls ask the system again only after this time. Asking starts up to 66 threads. This
  /// takes a few milliseconds, less than 1 % of this time.
  static constexpr std::chrono::seconds kUntilNextTry{1};

  [[nodiscard]] int helpers() const noexcept { return pool_ == nullptr ? 0 : pool_->helpers(); }

  void start(int threads) noexcept {
    const int requested = std::min(threads, ThreadPool::kMaxTeam) - 1;
    const bool tries_again = shortage_ && requested > helpers() && Clock::now() >= next_try_;
    if (requested > requested_ || tries_again) {
      requested_ = std::max(requested_, requested);
      shortage_ = !grow(requested_);
      next_try_ = Clock::now() + kUntilNextTry;
    }
  }

  /// Replaces the pool by a pool of `requested` helpers, or of fewer if the system gives fewer. If the system gives no
  /// additional threads, the pool stays.
  /// \returns whether the system gave all of them
  bool grow(int requested) noexcept {
    int all = requested;
    if (pool_ != nullptr) {
      all = helpers() + obtainable_threads(requested - helpers());
      if (all == helpers()) {
        return false;
      }
      delete std::exchange(pool_, nullptr);
    }
    const int obtained = obtainable_threads(all + 1) - 1;  // one thread enters the region
    if (obtained < 1) {
      return false;
    }
    try {
      pool_ = new ThreadPool(obtained);
    } catch (...) {  // no memory, or no thread to enter the region: another process may have taken it
      return false;
    }
    return obtained == requested;
  }

  /// A lock on the members below: taken by acquire, released by release. A fork handler can reset it, unlike a mutex.
  std::atomic<bool> busy_{false};
  std::atomic<bool> closed_{false};  ///< true: the program is ending; prepare() then no longer waits for busy_
  ThreadPool* pool_ = nullptr;
  int requested_ = 0;      ///< helpers requested so far; the pool may have fewer
  bool shortage_ = false;  ///< the system gave fewer threads than requested
  Clock::time_point next_try_{};
};

// Neither this object nor any other object that a call may wait for is a local static: its initialisation holds a lock,
// and if another thread forked at that moment, the child would wait for ever.
constinit GlobalPool global_pool;

#if defined(__unix__) || defined(__APPLE__)
[[maybe_unused]] const int kForkHandler = pthread_atfork(nullptr, nullptr, [] { global_pool.reset_after_fork(); });
#endif

/// Of the innermost ThreadLimit.
constinit thread_local int limit_of_thread = INT_MAX;

bool whole_teams() noexcept {
  enum class Answer : std::uint8_t { unknown, no, yes };
  static constinit std::atomic<Answer> known{Answer::unknown};  // relaxed: all threads find the same answer
  Answer answer = known.load(std::memory_order_relaxed);
  if (answer == Answer::unknown) {
    const char* text = std::getenv("BACKPASS_WHOLE_TEAMS");  // NOLINT(concurrency-mt-unsafe)
    answer = text != nullptr && *text != '\0' && std::string_view(text) != "0" ? Answer::yes : Answer::no;
    known.store(answer, std::memory_order_relaxed);
  }
  return answer == Answer::yes;
}

/// How long a call waits for helpers. T is the time that one thread needs for the work. The call waits at most T / 10
/// for helpers that are awake, and at most T / 4 for helpers that sleep. If T / 4 is shorter than waking takes, the
/// call does not wait for sleeping helpers.
ThreadPool::JoinTimeout join_timeout_for(double multiply_adds) noexcept {
  using std::chrono::nanoseconds;
  if (whole_teams()) {
    return {nanoseconds::max(), nanoseconds::max()};
  }
  // In nanoseconds. A team that is awake gathers in less than kLeast. A helper that has not come after kMost, four
  // times as long as waking takes, has no CPU.
  constexpr double kWaking = 5e4;
  constexpr double kLeast = 1e3;
  constexpr double kMost = 4 * kWaking;
  const double time = multiply_adds / hardware::kMultiplyAddsPerNanosecond;
  const auto limit = [=](double share) {
    return nanoseconds(static_cast<std::int64_t>(std::clamp(share * time, kLeast, kMost)));
  };
  return {limit(0.1), 0.25 * time >= kWaking ? limit(0.25) : nanoseconds(0)};
}

}  // namespace

void parallel(int threads, double multiply_adds, FunctionRef<void(const Member&)> work) {
  ThreadPool* const pool = threads > 1 ? global_pool.take(threads) : nullptr;
  if (pool == nullptr) {
    const FloatingPointMode mode;
    work(Member(0, 1, nullptr));
    return;
  }
  TeamState state;
  pool->run(
      threads, join_timeout_for(multiply_adds), [&](int size) { state.set_size(size); },
      [&](int rank, int size) { state.run(rank, size, work); });
  global_pool.give_back();
  state.rethrow();
}

void start_threads(int threads) noexcept {
  if (threads > 1) {
    global_pool.prepare(threads);
    (void)whole_teams();  // reads the environment now
  }
}

ThreadLimit::ThreadLimit(int most) noexcept
    : outer_(std::exchange(limit_of_thread, most > 0 ? std::min(most, limit_of_thread) : limit_of_thread)) {}
ThreadLimit::~ThreadLimit() { limit_of_thread = outer_; }

int most_threads(int requested) {
  const int most = requested > 0 ? std::min(requested, max_num_threads()) : get_num_threads();
  return std::min(most, limit_of_thread);
}

int threads_for(double multiply_adds, int limit) {
  // Gathering a team that is awake takes less than 1 µs, and a barrier 0.1 to 0.3 µs. So a thread must have 5 µs of
  // work.
  constexpr double kWorkPerThread = 5000.0 * hardware::kMultiplyAddsPerNanosecond;
  return std::max(1, static_cast<int>(std::min<double>(most_threads(limit), multiply_adds / kWorkPerThread)));
}

}  // namespace backpass::runtime

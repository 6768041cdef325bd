#include "runtime/team.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

#include <backpass/runtime.hpp>

#include "base/floating_point_mode.hpp"
#include "runtime/crew.hpp"
#include "runtime/interrupt.hpp"
#include "runtime/obtainable_threads.hpp"
#include "runtime/spin.hpp"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace backpass::runtime {

class TeamState {
 public:
  /// Before any member runs.
  void set_size(int size) noexcept { size_ = size; }

  /// Members spin, since the phases of a step are microseconds apart; then they sleep, so that on a busy machine the
  /// one they wait for can have the CPU.
  void barrier() {
    const unsigned int generation = generation_.load(std::memory_order_acquire);
    throw_if_aborted();  // the generation that an abort begins has no end
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
      arrived_.store(0, std::memory_order_relaxed);
      next_generation();
    } else {
      spin_then([&] { return generation_.load(std::memory_order_acquire) != generation; },
                [&] { generation_.wait(generation, std::memory_order_acquire); });
    }
    throw_if_aborted();
  }

  /// Runs the work of one member, of `size` that there are, and keeps what it throws.
  void run(int rank, int size, FunctionRef<void(const Member&)> work) noexcept {
    try {
      const FloatingPointMode mode;
      const PollTeam polls(aborted_);
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

  int size_ = 1;
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

/// The process's threads. One call at a time has them.
class Home {
 public:
  constexpr Home() noexcept = default;
  ~Home() {
    closed_.store(true);
    // A daemon's call may have the threads. LLVM's runtime aborts the process when it ends before a region does.
    const auto enough = Clock::now() + std::chrono::milliseconds(100);
    while (busy_.exchange(true)) {
      if (Clock::now() > enough) {
        return;
      }
      std::this_thread::yield();
    }
    delete crew_;
  }
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;

  /// The crew with up to threads − 1 helpers, to be given back; null while another call has it.
  Crew* take(int threads) noexcept {
    if (!may_share_work() || busy_.exchange(true, std::memory_order_acquire)) {
      return nullptr;
    }
    start(threads);
    if (crew_ == nullptr) {
      give_back();
    }
    return crew_;
  }
  void give_back() noexcept { busy_.store(false, std::memory_order_release); }

  /// Starts what take(threads) would start. Waits for a call that has the crew.
  void prepare(int threads) noexcept {
    if (!may_share_work()) {
      return;
    }
    while (busy_.exchange(true, std::memory_order_acquire)) {
      if (closed_.load()) {  // the program ends, and nothing is started any more
        return;
      }
      std::this_thread::yield();
    }
    start(threads);
    give_back();
  }

  /// In a child process, where the threads are not: what they left cannot be freed.
  void forget() noexcept {
    crew_ = nullptr;
    asked_ = 0;
    shortage_ = false;
    give_back();
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// After the system has refused threads it is asked again, but not by every call.
  static constexpr std::chrono::seconds kUntilNextTry{1};

  [[nodiscard]] int helpers() const noexcept { return crew_ == nullptr ? 0 : crew_->helpers(); }

  void start(int threads) noexcept {
    const int wanted = std::min(threads, Crew::kMaxTeam) - 1;
    const bool tries_again = shortage_ && wanted > helpers() && Clock::now() >= next_try_;
    if (wanted > asked_ || tries_again) {
      asked_ = std::max(asked_, wanted);
      shortage_ = !grow(asked_);
      next_try_ = Clock::now() + kUntilNextTry;
    }
  }

  /// Replaces the crew by one of `wanted` helpers. Where the system does not give so many, of fewer; where it gives no
  /// more than there are, the crew stays. \returns whether the system gave all of them
  bool grow(int wanted) noexcept {
    int all = wanted;
    if (crew_ != nullptr) {
      all = helpers() + obtainable_threads(wanted - helpers());
      if (all == helpers()) {
        return false;
      }
      delete std::exchange(crew_, nullptr);
    }
    const int obtained = obtainable_threads(all + 1) - 1;  // one enters the region
    if (obtained < 1) {
      return false;
    }
    try {
      crew_ = new Crew(obtained);
    } catch (...) {  // no memory, or another process took the thread that was to enter the region
      return false;
    }
    return obtained == wanted;
  }

  std::atomic<bool> busy_{false};
  std::atomic<bool> closed_{false};
  Crew* crew_ = nullptr;
  int asked_ = 0;          ///< helpers; there may be fewer
  bool shortage_ = false;  ///< the system gave fewer than were asked for
  Clock::time_point next_try_{};
};

// Neither this object nor anything else that a call may wait for is a local static: their initialisation holds a lock,
// and after a fork in that moment the child would wait for ever.
constinit Home home;

#if defined(__unix__) || defined(__APPLE__)
[[maybe_unused]] const int kToldOfForks = pthread_atfork(nullptr, nullptr, [] { home.forget(); });
#endif

bool whole_teams() noexcept {
  enum class Answer : std::uint8_t { unknown, no, yes };
  static constinit std::atomic<Answer> known{Answer::unknown};
  Answer answer = known.load(std::memory_order_relaxed);
  if (answer == Answer::unknown) {
    const char* text = std::getenv("BACKPASS_WHOLE_TEAMS");  // NOLINT(concurrency-mt-unsafe)
    answer = text != nullptr && *text != '\0' && std::string_view(text) != "0" ? Answer::yes : Answer::no;
    known.store(answer, std::memory_order_relaxed);
  }
  return answer == Answer::yes;
}

/// A tenth of the time that one thread would need may be lost where waiting was in vain, a quarter where a helper
/// sleeps and will come.
Crew::Patience patience_for(double multiply_adds) noexcept {
  using std::chrono::nanoseconds;
  if (whole_teams()) {
    return {nanoseconds::max(), nanoseconds::max()};
  }
  constexpr double kMultiplyAddsPerNanosecond = 50.0;
  constexpr double kLeast = 1e3;
  constexpr double kMost = 2e5;
  constexpr double kWaking = 5e4;  // what it takes to come from sleep to work
  const double time = multiply_adds / kMultiplyAddsPerNanosecond;
  const auto patience = [=](double share) {
    return nanoseconds(static_cast<std::int64_t>(std::clamp(share * time, kLeast, kMost)));
  };
  return {patience(0.1), 0.25 * time >= kWaking ? patience(0.25) : nanoseconds(0)};
}

}  // namespace

void parallel(int threads, double multiply_adds, FunctionRef<void(const Member&)> work) {
  Crew* const crew = threads > 1 ? home.take(threads) : nullptr;
  if (crew == nullptr) {
    const FloatingPointMode mode;
    work(Member(0, 1, nullptr));
    return;
  }
  TeamState state;
  crew->run(
      threads, patience_for(multiply_adds), [&](int size) { state.set_size(size); },
      [&](int rank, int size) { state.run(rank, size, work); });
  home.give_back();
  state.rethrow();
}

void start_threads(int threads) noexcept {
  if (threads > 1) {
    home.prepare(threads);
    (void)whole_teams();  // reads the environment
  }
}

int threads_for(double multiply_adds, int limit) {
  // Gathering a team costs under a microsecond when it is awake, a barrier a few tenths of one, and a core makes 5e4
  // multiply-adds in one: a thread must have several of them to do.
  constexpr double kWorkPerThread = 2.5e5;
  const int most = limit > 0 ? std::min(limit, max_num_threads()) : get_num_threads();
  return std::max(1, static_cast<int>(std::min<double>(most, multiply_adds / kWorkPerThread)));
}

}  // namespace backpass::runtime

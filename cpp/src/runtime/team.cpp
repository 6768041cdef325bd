#include "runtime/team.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string_view>
#include <utility>

#include <backpass/runtime.hpp>

#include "runtime/crew.hpp"
#include "runtime/denormals.hpp"
#include "runtime/interrupt.hpp"
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
      const FlushDenormals guard;
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
  Home() {
#if defined(__unix__) || defined(__APPLE__)
    pthread_atfork(nullptr, nullptr, [] { home().forget(); });
#endif
  }
  ~Home() {
    if (!busy_.exchange(true)) {
      delete crew_;
    }
  }
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;
  static Home& home() {
    static Home instance;
    return instance;
  }

  /// The crew with up to threads − 1 helpers, to be given back; null while another call has it.
  Crew* take(int threads) {
    if (!may_share_work() || busy_.exchange(true, std::memory_order_acquire)) {
      return nullptr;
    }
    const int wanted = std::min(threads, Crew::kMaxTeam) - 1;
    if (wanted > asked_) {
      delete std::exchange(crew_, nullptr);
      asked_ = 0;
      try {
        crew_ = new Crew(wanted);
        asked_ = wanted;
      } catch (...) {  // no thread to be had: the next call tries again
        give_back();
        return nullptr;
      }
    }
    return crew_;
  }
  void give_back() noexcept { busy_.store(false, std::memory_order_release); }

 private:
  /// In a child process, where the threads are not: what they left cannot be freed.
  void forget() noexcept {
    crew_ = nullptr;
    asked_ = 0;
    give_back();
  }

  std::atomic<bool> busy_{false};
  Crew* crew_ = nullptr;
  int asked_ = 0;  ///< helpers; OpenMP may have given fewer
};

bool whole_teams() noexcept {
  static const bool wanted = [] {
    const char* text = std::getenv("BACKPASS_WHOLE_TEAMS");  // NOLINT(concurrency-mt-unsafe)
    return text != nullptr && *text != '\0' && std::string_view(text) != "0";
  }();
  return wanted;
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
  Crew* const crew = threads > 1 ? Home::home().take(threads) : nullptr;
  if (crew == nullptr) {
    const FlushDenormals guard;
    work(Member(0, 1, nullptr));
    return;
  }
  TeamState state;
  crew->run(
      threads, patience_for(multiply_adds), [&](int size) { state.set_size(size); },
      [&](int rank, int size) { state.run(rank, size, work); });
  Home::home().give_back();
  state.rethrow();
}

int threads_for(double multiply_adds, int limit) {
  // Gathering a team costs under a microsecond when it is awake, a barrier a few tenths of one, and a core makes 5e4
  // multiply-adds in one: a thread must have several of them to do.
  constexpr double kWorkPerThread = 2.5e5;
  const int most = limit > 0 ? std::min(limit, max_num_threads()) : get_num_threads();
  return std::max(1, static_cast<int>(std::min<double>(most, multiply_adds / kWorkPerThread)));
}

}  // namespace backpass::runtime

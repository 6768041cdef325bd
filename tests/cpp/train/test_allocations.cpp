// The steady state of train_step, predict and fit allocates no memory. The test counts every allocation of the process.
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <backpass/backpass.hpp>

#include "sanitized.hpp"

#if defined(__linux__)
#include <dirent.h>
#endif

namespace {
std::atomic<bool> counting{false};
std::atomic<long> allocations{0};

[[maybe_unused]] void note() noexcept {
  if (counting.load(std::memory_order_relaxed)) {
    allocations.fetch_add(1, std::memory_order_relaxed);
  }
}
}  // namespace

#if defined(__GLIBC__) && !defined(BACKPASS_SANITIZED)
#define BACKPASS_COUNTS_MALLOC 1
// Replaces malloc, so that allocations by OpenMP and the C library count too. operator new also calls it.
extern "C" {
void* __libc_malloc(std::size_t);                 // NOLINT
void* __libc_calloc(std::size_t, std::size_t);    // NOLINT
void* __libc_realloc(void*, std::size_t);         // NOLINT
void* __libc_memalign(std::size_t, std::size_t);  // NOLINT
void __libc_free(void*);                          // NOLINT

void* malloc(std::size_t n) noexcept {
  note();
  return __libc_malloc(n);
}
void* calloc(std::size_t n, std::size_t size) noexcept {
  note();
  return __libc_calloc(n, size);
}
void* realloc(void* p, std::size_t n) noexcept {
  note();
  return __libc_realloc(p, n);
}
void* aligned_alloc(std::size_t alignment, std::size_t n) noexcept {
  note();
  return __libc_memalign(alignment, n);
}
void* memalign(std::size_t alignment, std::size_t n) noexcept {
  note();
  return __libc_memalign(alignment, n);
}
int posix_memalign(void** out, std::size_t alignment, std::size_t n) noexcept {
  note();
  *out = __libc_memalign(alignment, n);
  return *out == nullptr ? 12 : 0;
}
void free(void* p) noexcept { __libc_free(p); }
}
#elif !defined(BACKPASS_SANITIZED)
#define BACKPASS_COUNTS_NEW 1
void* operator new(std::size_t n) {
  note();
  void* p = std::malloc(n == 0 ? 1 : n);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
#endif

namespace {

using backpass::Activation;
using backpass::ConstMatrixView;
using backpass::FitOptions;
using backpass::Loss;
using backpass::MatrixView;
using backpass::Network;
using backpass::Optimizer;

/// The number of allocations while `f` runs.
template <class F>
long counted(F&& f) {
  allocations = 0;
  counting = true;
  f();
  counting = false;
  return allocations;
}

struct Shape {
  std::string name;
  std::vector<std::size_t> sizes;
  std::size_t rows;
  friend void PrintTo(const Shape& s, std::ostream* os) { *os << s.name; }
};

class Allocations : public testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
#if defined(BACKPASS_SANITIZED)
    GTEST_SKIP() << "the sanitizer's own allocator cannot be counted";
#endif
    threads_ = backpass::get_num_threads();
    backpass::set_num_threads(3);
    const Shape& s = GetParam();
    x_.resize(s.rows * s.sizes.front());
    y_.resize(s.rows * s.sizes.back());
    weight_.resize(s.rows);
    for (std::size_t r = 0; r < s.rows; ++r) {
      labels_.push_back(static_cast<std::int32_t>(r % s.sizes.back()));
      weight_[r] = 0.5f + static_cast<float>(r % 3);
    }
    for (std::size_t i = 0; i < x_.size(); ++i) x_[i] = static_cast<float>(i * 37 % 101) / 50.0f - 1.0f;
    for (std::size_t i = 0; i < y_.size(); ++i) y_[i] = static_cast<float>(i * 53 % 97) / 97.0f;
  }
  void TearDown() override {
    if (threads_ > 0) backpass::set_num_threads(threads_);
  }

  [[nodiscard]] Network<float> make(double dropout = 0.0) const {
    return Network<float>({.sizes = GetParam().sizes,
                           .activation = Activation::gelu(),
                           .output = Activation::softmax(),
                           .dropout = dropout,
                           .seed = 3});
  }
  [[nodiscard]] ConstMatrixView<float> x() const { return {x_.data(), GetParam().rows, GetParam().sizes.front()}; }
  [[nodiscard]] ConstMatrixView<float> y() const { return {y_.data(), GetParam().rows, GetParam().sizes.back()}; }

  int threads_ = 0;
  std::vector<float> x_, y_, weight_;
  std::vector<std::int32_t> labels_;
};

TEST_P(Allocations, TheCounterCounts) {
#if defined(BACKPASS_COUNTS_MALLOC) || defined(BACKPASS_COUNTS_NEW)
  void* volatile kept = nullptr;
  EXPECT_GE(counted([&] { kept = ::operator new(100); }), 1);
  ::operator delete(kept);
#endif
}

TEST_P(Allocations, TrainStepOfEveryOptimizer) {
  for (const std::string& name : backpass::optimizer_names()) {
    Network<float> net = make(0.2);
    Optimizer optimizer = backpass::optimizer_from_name(name);
    const Loss loss = backpass::CrossEntropy{};
    const auto step = [&] { net.train_step(x(), labels_, loss, optimizer, weight_); };
    step();
    EXPECT_EQ(counted([&] {
                for (int i = 0; i < 3; ++i) step();
              }),
              0)
        << name;
  }
}

TEST_P(Allocations, TrainStepWithClippingAndPenalties) {
  Network<float> net = make();
  backpass::SGD sgd{.lr = 0.01, .momentum = 0.9};
  const Loss loss = backpass::MeanSquaredError{};
  const backpass::GradientOptions options{.l1 = 1e-4, .l2 = 1e-3, .clip_norm = 1.0, .clip_value = 0.1};
  const auto step = [&] { net.train_step(x(), y(), loss, sgd, {}, options); };
  step();
  EXPECT_EQ(counted(step), 0);
}

TEST_P(Allocations, LossAndGradientAndEvaluate) {
  Network<float> net = make();
  const Loss loss = backpass::MeanSquaredError{};
  std::vector<float> input_gradient(x_.size());
  const MatrixView<float> out(input_gradient.data(), x().rows(), x().cols());
  const auto call = [&] {
    net.loss_and_gradient(x(), y(), loss, weight_, out);
    (void)net.evaluate(x(), y(), loss);
  };
  call();
  EXPECT_EQ(counted(call), 0);
}

TEST_P(Allocations, ForwardBackwardStepOfASettledBatch) {
  Network<float> net = make();
  backpass::Adam adam;
  const auto call = [&] {
    net.forward(x(), true);
    net.backward(y());
    net.step(adam);
  };
  call();
  EXPECT_EQ(counted(call), 0);
}

TEST_P(Allocations, PredictFromTheFirstCallWithAWorkspace) {
  const Network<float> net = make();
  std::vector<float> out(y_.size());
  const MatrixView<float> view(out.data(), y().rows(), y().cols());
  backpass::Workspace<float> workspace = net.make_workspace(x().rows());
  net.predict(x().middle_rows(0, 1), view.middle_rows(0, 1), workspace);  // starts the threads
  net.predict(x(), view, workspace);
  EXPECT_EQ(counted([&] {
              net.predict(x(), view, workspace);
              net.predict(x().middle_rows(0, 1), view.middle_rows(0, 1), workspace);
            }),
            0);
}

TEST_P(Allocations, PredictWithTheNetworksOwnWorkspace) {
  const Network<float> net = make();
  std::vector<float> out(y_.size());
  const MatrixView<float> view(out.data(), y().rows(), y().cols());
  net.predict(x(), view);
  EXPECT_EQ(counted([&] { net.predict(x(), view); }), 0);
}

TEST_P(Allocations, AnEpochOfFitAfterTheFirst) {
  Network<float> net = make(0.1);
  backpass::AdamW adamw;
  backpass::Schedule schedule = backpass::schedules::Cosine{.period = 4};
  FitOptions<float> options;
  options.epochs = 4;
  options.batch_size = 32;  // the last batch is partial
  options.sample_weight = weight_;
  options.validation_data.emplace(x(), backpass::Targets<float>(labels_));
  options.schedule = &schedule;
  options.dropout_schedule = options.weight_decay_schedule = backpass::schedules::FlatCosine{};
  options.early_stopping = backpass::EarlyStopping{.monitor = "val_loss", .patience = 10};
  options.gradient.clip_norm = 1.0;
  options.metrics = {backpass::Metric::accuracy};
  std::vector<long> counts;
  counts.reserve(8);
  options.on_epoch_end = [&](const backpass::EpochReport&) {
    counts.push_back(allocations);
    allocations = 0;
    counting = true;
    return false;
  };
  net.fit(x(), labels_, backpass::CrossEntropy{}, adamw, options);
  counting = false;
  ASSERT_EQ(counts.size(), 4u);
  // counts[1] includes the end of the first epoch, where fit first copies the optimizer's new state.
  EXPECT_EQ(counts[2], 0);
  EXPECT_EQ(counts[3], 0);
}

INSTANTIATE_TEST_SUITE_P(Shapes, Allocations,
                         testing::Values(Shape{"Tiny", {3, 5, 2}, 7}, Shape{"Digits", {64, 64, 10}, 100},
                                         Shape{"Threaded", {200, 128, 10}, 300},
                                         Shape{"TinyManyRows", {4, 8, 3}, 5000}),
                         [](const auto& test) { return test.param.name; });

#if defined(__linux__) && !defined(BACKPASS_SANITIZED)
int threads_alive() {
  int count = 0;
  DIR* const directory = opendir("/proc/self/task");
  while (const dirent* const entry = readdir(directory)) {
    count += entry->d_name[0] == '.' ? 0 : 1;
  }
  closedir(directory);
  return count;
}

/// Makes the first call of a program, prints its allocations and started threads, and ends the program.
void first_predict(std::size_t max_batch) {
  constexpr std::size_t kRows = 300;
  backpass::set_num_threads(3);
  const Network<float> network({.sizes = {64, 256, 10}, .seed = 0});
  const std::vector<float> x(kRows * 64, 0.5F);
  std::vector<float> out(kRows * 10);
  auto workspace = network.make_workspace(max_batch);
  const int threads = threads_alive();
  const long allocated = counted([&] {
    network.predict(ConstMatrixView<float>(x.data(), kRows, 64), MatrixView<float>(out.data(), kRows, 10), workspace);
  });
  std::fprintf(stderr, "allocations %ld, threads %d, started %d\n", allocated, threads, threads_alive() - threads);
  std::_Exit(0);
}

TEST(FirstPredictDeathTest, AllocatesNothingAndStartsNoThread) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  // The calling thread, two helpers, and the thread that entered OpenMP's region.
  EXPECT_EXIT(first_predict(300), testing::ExitedWithCode(0),
              backpass::config().openmp.empty() ? "allocations 0, threads 1, started 0"
                                                : "allocations 0, threads 4, started 0");
}

TEST(FirstPredictDeathTest, AWorkspaceForSmallBatchesHasStartedNoThread) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(first_predict(1), testing::ExitedWithCode(0), "threads 1, ");
}
#endif

}  // namespace

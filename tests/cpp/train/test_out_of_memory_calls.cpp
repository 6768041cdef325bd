// operator new fails at its N-th call, for every N, during every call of a network other than fit, which
// test_out_of_memory.cpp tests, and files, which tests/cpp/io tests. The call must throw std::bad_alloc. The network
// and the optimizer must not have changed, no memory may be lost, and the same call must then have its usual result.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <ostream>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <backpass/backpass.hpp>

#include "train/failing_new.hpp"

#if defined(BACKPASS_NEW_FAILS)
namespace backpass {
namespace {

// So few rows that the sum of a gradient is one chain, and so many that it has segments, and chunks in double
// precision.
constexpr std::size_t kFewRows = 40;
constexpr std::size_t kManyRows = 5000;
constexpr std::size_t kInputs = 5;
constexpr std::size_t kOutputs = 3;

/// What a call can change in a network and an optimizer, except gradients and activations.
template <class T>
struct CallState {
  std::vector<T> parameters;
  std::vector<std::vector<T>> slots;
  std::vector<OptimizerState::Group> groups;
  std::uint64_t dropout_seed = 0;
  std::uint64_t dropout_pass = 0;
  friend bool operator==(const CallState&, const CallState&) = default;
};

/// A network, an optimizer, data, and memory for results. No call has used them.
template <class T>
struct CallSubject {
  explicit CallSubject(std::size_t count)
      : rows(count), x(rows * kInputs), bytes(rows * kInputs), labels(rows), out(rows * kOutputs) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = static_cast<T>(i % 13) / T(6) - T(1);
      bytes[i] = static_cast<std::uint8_t>(i % 7);
    }
    for (std::size_t r = 0; r < rows; ++r) {
      labels[r] = static_cast<std::int32_t>(r % kOutputs);
    }
  }
  static NetworkOptions options() {
    return {.sizes = {kInputs, 8, kOutputs}, .activation = Activation::tanh(), .dropout = 0.25, .seed = 3};
  }
  [[nodiscard]] ConstMatrixView<T> inputs() const { return {x.data(), rows, kInputs}; }
  /// The first rows, for a call that takes long.
  [[nodiscard]] ConstMatrixView<T> few_inputs() const { return {x.data(), kFewRows, kInputs}; }
  [[nodiscard]] std::span<const std::int32_t> few_labels() const { return {labels.data(), kFewRows}; }
  [[nodiscard]] Input<T> integers() const { return AnyMatrix{bytes.data(), rows, kInputs, kInputs, 1, Element::uint8}; }
  [[nodiscard]] MatrixView<T> outputs() { return {out.data(), rows, kOutputs}; }
  [[nodiscard]] CallState<T> state() {
    const auto parameters = std::as_const(net).parameters();
    const auto dropout = net.dropout_state();
    return {{parameters.begin(), parameters.end()},
            adam.state.template arrays<T>(),
            adam.state.groups,
            dropout.seed,
            dropout.pass};
  }

  std::size_t rows;
  Network<T> net{options()};
  Adam adam{.lr = 0.01};
  Loss loss = SoftmaxCrossEntropy{};
  std::vector<T> x;                  // (rows, kInputs)
  std::vector<std::uint8_t> bytes;   // (rows, kInputs)
  std::vector<std::int32_t> labels;  // (rows)
  std::vector<T> out;                // (rows, kOutputs)
  double value = 0.0;                ///< what the call returned
};

/// A call, or several calls of which only the last one changes the parameters or the optimizer.
struct FailingCall {
  const char* name;
  void (*run_float)(CallSubject<float>&);
  void (*run_double)(CallSubject<double>&);
};
std::ostream& operator<<(std::ostream& out, const FailingCall& call) { return out << call.name; }

/// One generic lambda for both types.
template <class F>
FailingCall failing_call(const char* name, F run) {
  return {name, run, run};
}

template <class T>
double sum_of_parameters(const Network<T>& net) {
  double total = 0.0;
  for (const T p : net.parameters()) {
    total += static_cast<double>(p);
  }
  return total;
}

std::vector<FailingCall> failing_calls() {
  return {
      failing_call(
          "construct",
          []<class T>(CallSubject<T>& s) { s.value = sum_of_parameters(Network<T>(CallSubject<T>::options())); }),
      failing_call("copy", []<class T>(CallSubject<T>& s) { s.value = sum_of_parameters(s.net.copy()); }),
      failing_call("assign",
                   []<class T>(CallSubject<T>& s) {
                     const Network<T> other({.sizes = {2, 9, 4, 1}, .seed = 1});
                     s.net = other;
                   }),
      failing_call("convert",
                   []<class T>(CallSubject<T>& s) {
                     s.value = sum_of_parameters(
                         s.net.template converted<std::conditional_t<std::is_same_v<T, float>, double, float>>());
                   }),
      failing_call("initialize", [](auto& s) { s.net.initialize(9); }),
      failing_call("summary", [](auto& s) { s.value = static_cast<double>(s.net.summary().size()); }),
      failing_call("make_workspace",
                   [](auto& s) { s.value = static_cast<double>(s.net.make_workspace(s.rows).max_batch()); }),
      failing_call("predict", [](auto& s) { s.net.predict(s.inputs(), s.outputs()); }),
      failing_call("predict_integers", [](auto& s) { s.net.predict(s.integers(), s.outputs()); }),
      failing_call("evaluate", [](auto& s) { s.value = s.net.evaluate(s.inputs(), s.labels, s.loss); }),
      failing_call("evaluate_integers", [](auto& s) { s.value = s.net.evaluate(s.integers(), s.labels, s.loss); }),
      failing_call("forward_backward_step",
                   []<class T>(CallSubject<T>& s) {
                     const ConstMatrixView<T> a = s.net.forward(s.inputs());
                     s.net.backward(a);
                     s.net.step(s.adam, {.clip_norm = 0.1});
                   }),
      failing_call("train_step", [](auto& s) { s.value = s.net.train_step(s.inputs(), s.labels, s.loss, s.adam); }),
      failing_call("train_step_integers",
                   [](auto& s) { s.value = s.net.train_step(s.integers(), s.labels, s.loss, s.adam); }),
      failing_call("loss_and_gradient",
                   [](auto& s) { s.value = s.net.loss_and_gradient(s.inputs(), s.labels, s.loss); }),
      failing_call("gradient_check",
                   []<class T>(CallSubject<T>& s) {
                     s.value = gradient_check(std::as_const(s.net), s.few_inputs(), Targets<T>(s.few_labels()), s.loss);
                   }),
  };
}

class OutOfMemoryCalls : public testing::TestWithParam<FailingCall> {
 protected:
  /// \returns the number of allocations of the call; each has failed once
  template <class T>
  static long fail_every_allocation(void (*run)(CallSubject<T>&), std::size_t rows) {
    CallSubject<T> undisturbed(rows);
    const CallState<T> before = undisturbed.state();
    run(undisturbed);  // also makes the objects that are created on first use
    const CallState<T> after = undisturbed.state();
    for (long failures = 0; failures < 20000; ++failures) {
      const long blocks = test::blocks_in_use();
      bool failed = false;
      {
        CallSubject<T> subject(rows);
        try {
          const test::FailingNew failing(failures);
          run(subject);
        } catch (const std::bad_alloc&) {
          failed = true;
        }
        if (failed) {
          EXPECT_TRUE(subject.state() == before) << "allocation " << failures << " changed something";
          run(subject);
        }
        EXPECT_TRUE(subject.state() == after) << "after the failure of allocation " << failures;
        EXPECT_EQ(subject.value, undisturbed.value) << "after the failure of allocation " << failures;
        EXPECT_EQ(subject.out, undisturbed.out) << "after the failure of allocation " << failures;
      }
      EXPECT_EQ(test::blocks_in_use(), blocks) << "allocation " << failures << " left memory behind";
      if (!failed || testing::Test::HasFailure()) {
        return failures;
      }
    }
    ADD_FAILURE() << "no end";
    return 0;
  }
};

TEST_P(OutOfMemoryCalls, ChangesNothing) {
  const int threads = get_num_threads();
  long allocations = 0;
  for (const int team : {1, 3}) {
    set_num_threads(team);
    for (const std::size_t rows : {kFewRows, kManyRows}) {
      SCOPED_TRACE(std::to_string(rows) + " rows, " + std::to_string(team) + " threads");
      const long in_float = fail_every_allocation<float>(GetParam().run_float, rows);
      const long in_double = fail_every_allocation<double>(GetParam().run_double, rows);
      EXPECT_GT(in_float, 0);
      EXPECT_GT(in_double, 0);
      allocations += in_float + in_double;
    }
  }
  RecordProperty("allocations", std::to_string(allocations));
  set_num_threads(threads);
}

INSTANTIATE_TEST_SUITE_P(Every, OutOfMemoryCalls, testing::ValuesIn(failing_calls()),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace backpass
#endif

// The bits of an element's result depend only on the element: not on the row's length, its place in the row, the row's
// place in memory or its neighbours. Kernels write nothing outside the row, and NaN stays NaN.
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "definitions/activations.hpp"
#include "definitions/losses.hpp"
#include "kernels/kernel_sets.hpp"
#include "vector_functions.hpp"

namespace backpass::kernels {
namespace {

using definitions::ActivationTest;
using definitions::LossTest;

template <class T>
struct Elementwise {
  std::string name;
  std::function<void(const KernelTable<T>&, Index n, const T* x, T* y)> call;  ///< y holds 2 before the call
  bool reads_x = true;
};

template <class T>
std::vector<Elementwise<T>> elementwise_kernels(const KernelSet& set) {
  using Table = KernelTable<T>;
  std::vector<Elementwise<T>> all;
  for (const ActivationTest& r : definitions::activations()) {
    const int kind = static_cast<int>(r.kind);
    const T parameter = T(r.parameter);
    all.push_back({r.name, [=](const Table& t, Index n, const T* x, T* y) { t.activate[kind](n, parameter, x, y); }});
    all.push_back({std::string(r.name) + " gradient",
                   [=](const Table& t, Index n, const T* x, T* y) { t.activate_gradient[kind](n, parameter, x, y); },
                   r.kind != ActivationKind::identity});
  }
  for (const LossTest& r : definitions::losses()) {
    all.push_back({std::string(r.name) + " gradient", [=](const Table& t, Index n, const T* x, T* y) {
                     const std::vector<T> target(static_cast<std::size_t>(n), T(0.25));
                     t.loss[static_cast<int>(r.kernel)](n, T(r.parameter), x, target.data(), 0, T(0.5), y);
                   }});
  }
  const VectorFunctions<T>& functions = vector_functions<T>(set);
  for (const auto f : {functions.exp, functions.log, functions.tanh, functions.erf, functions.sin}) {
    all.push_back({"vector function", [=](const Table& /*t*/, Index n, const T* x, T* y) { f(n, x, y); }});
  }
  all.push_back({"add", [](const Table& t, Index n, const T* x, T* y) { t.add(n, x, y); }});
  all.push_back(
      {"add_penalty", [](const Table& t, Index n, const T* x, T* y) { t.add_penalty(n, T(0.1), T(0.3), x, y); }});
  return all;
}

class Tails : public KernelTest {
 protected:
  template <class T>
  void expect_position_independent() {
    const KernelTable<T>& t = table<T>();
    const auto longest = 3 * static_cast<std::size_t>(t.lanes) + 1;
    const std::vector<T> x = numbers_of_all_kinds<T>(longest, 6);
    for (const Elementwise<T>& kernel : elementwise_kernels<T>(*GetParam())) {
      std::vector<T> alone(longest, T(2));
      for (std::size_t i = 0; i < longest; ++i) {
        kernel.call(t, 1, &x[i], &alone[i]);
        EXPECT_TRUE(!kernel.reads_x || !std::isnan(x[i]) || std::isnan(alone[i])) << kernel.name << " hides NaN";
      }
      for (std::size_t n = 0; n <= longest; ++n) {
        for (const std::size_t offset : {std::size_t{0}, std::size_t{1}, longest - n}) {
          const std::size_t first = std::min(offset, longest - n);
          Guarded<T> y(std::vector<T>(n, T(2)), 1 + n % 3);
          kernel.call(t, static_cast<Index>(n), x.data() + first, y.data());
          ASSERT_TRUE(y.intact()) << kernel.name << " writes outside, n = " << n;
          for (std::size_t i = 0; i < n; ++i) {
            ASSERT_TRUE(same(y[i], alone[first + i])) << kernel.name << "(" << x[first + i] << ") at " << i << " of "
                                                      << n << ": " << y[i] << ", alone " << alone[first + i];
          }
        }
      }
    }
  }

  /// Activations in place: a is z.
  template <class T>
  void expect_in_place() {
    const KernelTable<T>& t = table<T>();
    const std::vector<T> z = numbers_of_all_kinds<T>(100, 7);
    for (const ActivationTest& r : definitions::activations()) {
      std::vector<T> a(z.size());
      t.activate[static_cast<int>(r.kind)](static_cast<Index>(z.size()), T(r.parameter), z.data(), a.data());
      std::vector<T> in_place = z;
      t.activate[static_cast<int>(r.kind)](static_cast<Index>(z.size()), T(r.parameter), in_place.data(),
                                           in_place.data());
      for (std::size_t i = 0; i < z.size(); ++i) {
        EXPECT_TRUE(same(a[i], in_place[i])) << r.name;
      }
    }
  }

  /// A sum over a row depends only on the row's values and length.
  template <class T>
  void expect_same_sums_anywhere() {
    const KernelTable<T>& t = table<T>();
    for (std::size_t n = 1; n <= 3 * static_cast<std::size_t>(t.lanes) + 1; ++n) {
      std::vector<T> x(n);
      for (std::size_t i = 0; i < n; ++i) {
        x[i] = T(0.5) + T(0.4) * T(std::sin(static_cast<double>(i + 5 * n)));
      }
      const auto count = static_cast<Index>(n);
      std::vector<T> softmax(n);
      t.softmax(count, x.data(), softmax.data());
      for (std::size_t offset = 0; offset < 5; ++offset) {
        Guarded<T> row(x, offset);
        Guarded<T> moved(n, offset);
        t.softmax(count, row.data(), moved.data());
        for (std::size_t i = 0; i < n; ++i) {
          ASSERT_TRUE(same_bits(softmax[i], moved[i])) << "softmax, n = " << n << ", offset " << offset;
        }
        for (int k = 0; k < kLossKernels; ++k) {
          ASSERT_EQ(t.loss[k](count, T(0.5), row.data(), row.data(), 0, T(1), nullptr),
                    t.loss[k](count, T(0.5), x.data(), x.data(), 0, T(1), nullptr))
              << "loss " << k << ", n = " << n << ", offset " << offset;
        }
      }
    }
  }
};
BACKPASS_FOR_USABLE_SETS(Tails);

TEST_P(Tails, ElementsDoNotDependOnTheirPlace) {
  expect_position_independent<float>();
  expect_position_independent<double>();
}

TEST_P(Tails, ActivationsWorkInPlace) {
  expect_in_place<float>();
  expect_in_place<double>();
}

TEST_P(Tails, SumsDependOnTheValuesAlone) {
  expect_same_sums_anywhere<float>();
  expect_same_sums_anywhere<double>();
}

}  // namespace
}  // namespace backpass::kernels

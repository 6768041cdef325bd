// Sums and updates of flat arrays.
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/kernel_sets.hpp"

namespace backpass::kernels {
namespace {

class VectorOps : public KernelTest {};
BACKPASS_FOR_USABLE_SETS(VectorOps);

template <class T>
void expect_sum_squares(const KernelTable<T>& t) {
  for (std::size_t n = 0; n <= 3 * static_cast<std::size_t>(t.lanes) + 1; ++n) {
    std::vector<T> x(n);
    long double exact = 0.0L;
    for (std::size_t i = 0; i < n; ++i) {
      x[i] = T(std::sin(static_cast<double>(3 * i + n))) * T(10);
      exact += static_cast<long double>(x[i]) * x[i];
    }
    Guarded<T> guarded(x, 1);  // elements after the end must not enter the sum
    const double sum = t.sum_squares(static_cast<Index>(n), guarded.data());
    EXPECT_NEAR(sum, static_cast<double>(exact), static_cast<double>(exact) * static_cast<double>(n) * 0x1p-53);
    // The position in memory must not matter.
    for (std::size_t offset = 0; offset < 9; ++offset) {
      Guarded<T> moved(x, offset);
      EXPECT_EQ(t.sum_squares(static_cast<Index>(n), moved.data()), sum);
    }
  }
}
TEST_P(VectorOps, SumOfSquares) {
  expect_sum_squares(table<float>());
  expect_sum_squares(table<double>());
}

TEST_P(VectorOps, SquaresOfFloatsNeitherOverflowNorVanish) {
  const std::vector<float> large(100, 3e38F);
  EXPECT_NEAR(table<float>().sum_squares(100, large.data()) / (100 * std::pow(static_cast<double>(3e38F), 2)), 1.0,
              1e-14);
  const std::vector<float> small(100, 1e-40F);
  EXPECT_NEAR(table<float>().sum_squares(100, small.data()) / (100 * std::pow(static_cast<double>(1e-40F), 2)), 1.0,
              1e-14);
}

template <class T>
void expect_updates(const KernelTable<T>& t) {
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const T inf = std::numeric_limits<T>::infinity();
  const std::vector<T> x{T(1.5), T(-2), T(0), -T(0), T(8), T(-8), inf, -inf, nan};
  const std::vector<T> start{T(1), T(2), T(3), T(4), T(5), T(6), T(7), T(8), T(9)};
  const auto n = static_cast<Index>(x.size());

  std::vector<T> y = start;
  t.add(n, x.data(), y.data());
  std::vector<T> scaled = x;
  t.scale(n, T(-3), scaled.data());
  std::vector<T> clamped = x;
  t.clamp(n, T(2.5), clamped.data());
  std::vector<T> penalised = start;
  t.add_penalty(n, T(0.5), T(0.25), x.data(), penalised.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_TRUE(same(y[i], start[i] + x[i]));
    EXPECT_TRUE(same(scaled[i], x[i] * T(-3)));
    const T limited = x[i] > T(2.5) ? T(2.5) : (x[i] < T(-2.5) ? T(-2.5) : x[i]);
    EXPECT_TRUE(same(clamped[i], limited)) << x[i];
    const T sign = x[i] > T(0) ? T(1) : (x[i] < T(0) ? T(-1) : T(0));
    EXPECT_TRUE(same(penalised[i], std::isnan(x[i]) ? nan : start[i] + (T(0.5) * sign + T(0.25) * x[i]))) << x[i];
  }
}
TEST_P(VectorOps, AddScaleClampPenalise) {
  expect_updates(table<float>());
  expect_updates(table<double>());
}

}  // namespace
}  // namespace backpass::kernels

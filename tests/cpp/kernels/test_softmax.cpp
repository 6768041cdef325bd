// softmax, log_softmax, the products with their Jacobians, and the cross-entropies of a row, against long double.
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "kernels/kernel_sets.hpp"

namespace backpass::kernels {
namespace {

using Reals = std::vector<long double>;

template <class T>
std::vector<T> random_row(std::size_t n, T low, T high, unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<T> uniform(low, high);
  std::vector<T> row(n);
  std::generate(row.begin(), row.end(), [&] { return uniform(random); });
  return row;
}

/// log Σ e^z.
template <class T>
long double log_sum_exp(const std::vector<T>& z) {
  const long double m = *std::max_element(z.begin(), z.end());
  long double sum = 0.0L;
  for (const T v : z) {
    sum += std::exp(v - m);
  }
  return m + std::log(sum);
}

std::vector<std::size_t> lengths(int lanes) {
  std::vector<std::size_t> n{100, 1000};
  for (std::size_t i = 1; i <= 3 * static_cast<std::size_t>(lanes) + 1; ++i) {
    n.push_back(i);
  }
  return n;
}

class SoftmaxKernels : public KernelTest {};
BACKPASS_FOR_USABLE_SETS(SoftmaxKernels);

/// The errors of z − max z and of the exponential's argument are relative to the spread of z.
template <class T>
void expect_softmax(const KernelTable<T>& t) {
  const long double eps = std::numeric_limits<T>::epsilon();
  for (const std::size_t n : lengths(t.lanes)) {
    for (const T spread : {T(1), T(30)}) {
      const std::vector<T> z = random_row<T>(n, -spread, spread, static_cast<unsigned>(n));
      Guarded<T> p(n);
      Guarded<T> log_p(n);
      t.softmax(static_cast<Index>(n), z.data(), p.data());
      t.log_softmax(static_cast<Index>(n), z.data(), log_p.data());
      const long double lse = log_sum_exp(z);
      const long double tolerance = eps * (4 + 2 * spread);
      long double sum = 0.0L;
      for (std::size_t i = 0; i < n; ++i) {
        const long double exact = std::exp(z[i] - lse);
        ASSERT_NEAR(static_cast<double>(p[i] / exact), 1.0, static_cast<double>(tolerance)) << "n = " << n;
        const long double log_tolerance = tolerance + 2 * eps * std::fabs(z[i] - lse);
        ASSERT_NEAR(static_cast<double>(log_p[i]), static_cast<double>(z[i] - lse), static_cast<double>(log_tolerance));
        sum += p[i];
      }
      EXPECT_NEAR(static_cast<double>(sum), 1.0, 4 * static_cast<double>(eps));
      EXPECT_TRUE(p.intact() && log_p.intact());
      Guarded<T> in_place(z);
      t.softmax(static_cast<Index>(n), in_place.data(), in_place.data());
      Guarded<T> log_in_place(z);
      t.log_softmax(static_cast<Index>(n), log_in_place.data(), log_in_place.data());
      for (std::size_t i = 0; i < n; ++i) {
        EXPECT_EQ(in_place[i], p[i]);
        EXPECT_EQ(log_in_place[i], log_p[i]);
      }
    }
  }
}
TEST_P(SoftmaxKernels, ProbabilitiesAndTheirLogarithms) {
  expect_softmax(table<float>());
  expect_softmax(table<double>());
}

template <class T>
void expect_extreme(const KernelTable<T>& t) {
  const T max = std::numeric_limits<T>::max();
  const T inf = std::numeric_limits<T>::infinity();
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const auto softmax = [&](std::vector<T> z) {
    t.softmax(static_cast<Index>(z.size()), z.data(), z.data());
    return z;
  };
  EXPECT_EQ(softmax({max, T(0), -max}), (std::vector<T>{1, 0, 0}));
  EXPECT_EQ(softmax({-max, -max}), (std::vector<T>{T(0.5), T(0.5)}));
  EXPECT_EQ(softmax({-inf, T(3)}), (std::vector<T>{0, 1}));
  std::vector<T> log_p{max / 2, T(0)};
  t.log_softmax(2, log_p.data(), log_p.data());
  EXPECT_EQ(log_p, (std::vector<T>{0, -max / 2}));
  for (const T p : softmax({T(1), nan, T(2)})) {
    EXPECT_TRUE(std::isnan(p));
  }
}
TEST_P(SoftmaxKernels, ExtremeLogits) {
  expect_extreme(table<float>());
  expect_extreme(table<double>());
}

/// Compares with the explicit Jacobians ∂a_k/∂z_j = a_k (δ_kj − a_j) and δ_kj − e^(a_j).
template <class T>
void expect_jacobian(const KernelTable<T>& t) {
  const long double eps = std::numeric_limits<T>::epsilon();
  for (const std::size_t n : lengths(t.lanes)) {
    const std::vector<T> z = random_row<T>(n, T(-3), T(3), static_cast<unsigned>(n));
    const std::vector<T> g = random_row<T>(n, T(-1), T(1), static_cast<unsigned>(n + 1));
    std::vector<T> p(n);
    std::vector<T> log_p(n);
    t.softmax(static_cast<Index>(n), z.data(), p.data());
    t.log_softmax(static_cast<Index>(n), z.data(), log_p.data());
    Guarded<T> product(g);
    Guarded<T> log_product(g);
    t.softmax_gradient(static_cast<Index>(n), p.data(), product.data());
    t.log_softmax_gradient(static_cast<Index>(n), log_p.data(), log_product.data());
    for (std::size_t j = 0; j < n; ++j) {
      long double exact = 0.0L;
      long double log_exact = 0.0L;
      for (std::size_t k = 0; k < n; ++k) {
        const long double delta = k == j ? 1.0L : 0.0L;
        exact += g[k] * static_cast<long double>(p[k]) * (delta - p[j]);
        log_exact += g[k] * (delta - std::exp(static_cast<long double>(log_p[j])));
      }
      // |g| <= 1. The kernel subtracts the g of the largest p, so |g| <= 2, and g_j − Σ g p is at most 4. Σ g is at
      // most n.
      ASSERT_NEAR(static_cast<double>(product[j]), static_cast<double>(exact), static_cast<double>(8 * eps * p[j]));
      const long double size = 1.0L + static_cast<long double>(n) * p[j];
      ASSERT_NEAR(static_cast<double>(log_product[j]), static_cast<double>(log_exact),
                  static_cast<double>(4 * eps * size));
    }
    EXPECT_TRUE(product.intact() && log_product.intact());
  }
}
TEST_P(SoftmaxKernels, JacobianProducts) {
  expect_jacobian(table<float>());
  expect_jacobian(table<double>());
}

class CrossEntropyKernels : public KernelTest {};
BACKPASS_FOR_USABLE_SETS(CrossEntropyKernels);

/// The smoothed target (1 − ε) t + ε / n of a label or a distribution.
template <class T>
Reals smoothed(const std::vector<T>& y, std::size_t label, std::size_t n, long double epsilon) {
  Reals t(n);
  for (std::size_t k = 0; k < n; ++k) {
    const long double own = y.empty() ? (k == label ? 1.0L : 0.0L) : y[k];
    t[k] = (1.0L - epsilon) * own + epsilon / static_cast<long double>(n);
  }
  return t;
}

template <class T>
void expect_cross_entropy(const KernelTable<T>& t) {
  const T scale = T(0.25);
  const long double eps = std::numeric_limits<T>::epsilon();
  const auto of_logits = t.loss[static_cast<int>(LossKernel::softmax_cross_entropy)];
  const auto of_probabilities = t.loss[static_cast<int>(LossKernel::cross_entropy)];
  for (const std::size_t n : lengths(t.lanes)) {
    for (const T epsilon : {T(0), T(0.1), T(1)}) {
      for (const bool dense : {false, true}) {
        const auto count = static_cast<Index>(n);
        const std::size_t label = (7 * n) % n;
        const std::vector<T> z = random_row<T>(n, T(-5), T(5), static_cast<unsigned>(n));
        const std::vector<T> y = dense ? random_row<T>(n, T(0), T(2), static_cast<unsigned>(n + 9)) : std::vector<T>{};
        const Reals target = smoothed(y, label, n, epsilon);
        const T* const y_data = dense ? y.data() : nullptr;
        const long double lse = log_sum_exp(z);
        std::vector<T> p(n);
        t.softmax(count, z.data(), p.data());

        long double exact = 0.0L;
        long double exact_p = 0.0L;
        long double total = 0.0L;
        for (std::size_t k = 0; k < n; ++k) {
          exact += target[k] * (lse - z[k]);
          exact_p -= target[k] * std::log(static_cast<long double>(p[k]));
          total += target[k];
        }
        Guarded<T> g(n);
        const double value = of_logits(count, epsilon, z.data(), y_data, static_cast<Index>(label), scale, g.data());
        // |z| <= 5, so z − max z is at least −10, and its exponential has an error of up to 10 ulp. Each lane of a sum
        // in double precision rounds once per element.
        const long double summing = std::numeric_limits<double>::epsilon() * static_cast<long double>(n) / t.lanes;
        const long double tolerance = (24 * eps + 18 * summing) * total;
        EXPECT_NEAR(value, static_cast<double>(exact), static_cast<double>(tolerance)) << "n = " << n;
        for (std::size_t k = 0; k < n; ++k) {
          const long double slope = scale * (std::exp(z[k] - lse) * total - target[k]);
          const long double size = scale * (std::exp(z[k] - lse) * total * 14 + target[k] * 4);
          ASSERT_NEAR(static_cast<double>(g[k]), static_cast<double>(slope),
                      static_cast<double>((eps + summing / 8) * size))
              << "n = " << n;
        }
        EXPECT_TRUE(g.intact());
        Guarded<T> in_place(z);
        EXPECT_EQ(of_logits(count, epsilon, z.data(), y_data, static_cast<Index>(label), scale, nullptr), value);
        EXPECT_EQ(of_logits(count, epsilon, in_place.data(), y_data, static_cast<Index>(label), scale, in_place.data()),
                  value);

        Guarded<T> g_p(n);
        const double value_p =
            of_probabilities(count, epsilon, p.data(), y_data, static_cast<Index>(label), scale, g_p.data());
        EXPECT_NEAR(value_p, static_cast<double>(exact_p), static_cast<double>(tolerance)) << "n = " << n;
        for (std::size_t k = 0; k < n; ++k) {
          EXPECT_EQ(in_place[k], g[k]);
          const long double slope = -scale * target[k] / p[k];
          ASSERT_NEAR(static_cast<double>(g_p[k]), static_cast<double>(slope),
                      static_cast<double>(std::fabs(4 * eps * slope)));
        }
        EXPECT_TRUE(g_p.intact());
      }
    }
  }
}
TEST_P(CrossEntropyKernels, LabelsAndDistributionsSmoothedOrNot) {
  expect_cross_entropy(table<float>());
  expect_cross_entropy(table<double>());
}

template <class T>
void expect_extreme_entropy(const KernelTable<T>& t) {
  const auto of_logits = t.loss[static_cast<int>(LossKernel::softmax_cross_entropy)];
  const auto of_probabilities = t.loss[static_cast<int>(LossKernel::cross_entropy)];
  const T max = std::numeric_limits<T>::max();
  const T inf = std::numeric_limits<T>::infinity();
  std::vector<T> g(2);
  // The distance between the logits is max, which is finite.
  std::vector<T> z{max / 2, -max / 2};
  EXPECT_EQ(of_logits(2, T(0), z.data(), nullptr, 1, T(1), g.data()), static_cast<double>(max));
  EXPECT_EQ(g, (std::vector<T>{1, -1}));
  EXPECT_EQ(of_logits(2, T(0), z.data(), nullptr, 0, T(1), g.data()), 0.0);
  EXPECT_EQ(g, (std::vector<T>{0, 0}));
  // The distance between the logits overflows. It must not matter for a class of weight 0.
  z = {max, -max};
  std::vector<T> y{1, 0};
  EXPECT_EQ(of_logits(2, T(0), z.data(), y.data(), 0, T(1), g.data()), 0.0);
  if (sizeof(T) == 4) {
    EXPECT_EQ(of_logits(2, T(0), z.data(), nullptr, 1, T(1), g.data()), 2.0 * static_cast<double>(max));
  }
  z = {T(0), -inf};
  EXPECT_EQ(of_logits(2, T(0), z.data(), y.data(), 0, T(1), g.data()), 0.0);
  EXPECT_EQ(of_logits(2, T(0), z.data(), nullptr, 0, T(1), g.data()), 0.0);
  EXPECT_EQ(g, (std::vector<T>{0, 0}));
  // A loss far below the ulp of 1 must not become 0: log(1 + e^−20).
  z = {T(0), T(-20)};
  EXPECT_NEAR(of_logits(2, T(0), z.data(), nullptr, 0, T(1), g.data()) / std::log1p(std::exp(-20.0)), 1.0, 1e-6);

  const std::vector<T> p{1, 0};
  EXPECT_EQ(of_probabilities(2, T(0), p.data(), nullptr, 0, T(1), g.data()), 0.0);
  EXPECT_EQ(g, (std::vector<T>{-1, 0}));
  EXPECT_EQ(of_probabilities(2, T(0), p.data(), nullptr, 1, T(1), g.data()), 100.0);
  EXPECT_EQ(g[1], T(-1) / T(1e-12));
  const T nan = std::numeric_limits<T>::quiet_NaN();
  z = {T(0), nan};
  EXPECT_TRUE(std::isnan(of_logits(2, T(0), z.data(), nullptr, 0, T(1), g.data())));
  EXPECT_TRUE(std::isnan(g[0]) && std::isnan(g[1]));
  EXPECT_TRUE(std::isnan(of_probabilities(2, T(0), z.data(), nullptr, 1, T(1), g.data())));
}
TEST_P(CrossEntropyKernels, ExtremeLogitsAndProbabilities) {
  expect_extreme_entropy(table<float>());
  expect_extreme_entropy(table<double>());
}

}  // namespace
}  // namespace backpass::kernels

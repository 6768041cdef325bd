// Activations and their derivatives against long double, at the kinks, in the limits, and against differences.
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "definitions/activations.hpp"
#include "kernels/kernel_sets.hpp"
#include "kernels/stored.hpp"

namespace backpass::kernels {
namespace {

using definitions::ActivationTest;
using definitions::Exact;

/// In ulp of the largest term. gelu has the largest error: two polynomials of ten terms, whose roundings may have the
/// same sign, an exponential and three products.
constexpr double kActivationUlp = 8.0;

template <class T>
std::vector<T> value_of(const KernelTable<T>& t, const ActivationTest& r, const std::vector<T>& z) {
  std::vector<T> a(z.size());
  t.activate[static_cast<int>(r.kind)](static_cast<Index>(z.size()), T(r.parameter), z.data(), a.data());
  return a;
}
template <class T>
std::vector<T> derivative_of(const KernelTable<T>& t, const ActivationTest& r, const std::vector<T>& stored) {
  std::vector<T> g(stored.size(), T(1));
  t.activate_gradient[static_cast<int>(r.kind)](static_cast<Index>(g.size()), T(r.parameter), stored.data(), g.data());
  return g;
}
template <class T>
std::vector<T> stored_of(const KernelTable<T>& t, const ActivationTest& r, const std::vector<T>& z) {
  return stored_for(r.kind) == Stored::output ? value_of(t, r, z) : z;
}

/// Finite numbers of all exponents, and many around 0 and in the tails.
template <class T>
std::vector<T> arguments() {
  std::vector<T> z;
  std::mt19937_64 random(3);
  const T edge = sizeof(T) == 4 ? T(110) : T(760);
  std::uniform_real_distribution<T> around_zero(T(-8), T(8));
  std::uniform_real_distribution<T> tails(-edge, edge);
  for (const T x : numbers_of_all_kinds<T>(20000, 4)) {
    if (std::isfinite(x)) {
      z.push_back(x);
    }
    z.push_back(around_zero(random));
    z.push_back(tails(random));
    z.push_back(std::ldexp(around_zero(random), -static_cast<int>(random() % 60)));
  }
  return z;
}

/// The error in ulp of the largest term. A factor that is rounded to a denormal gives an error of |z| * denorm_min, so
/// the unit is at least that. Rounding an exponent e multiplies the unit by 1 + |e|.
template <class T>
double error_in_ulp(T y, const Exact& exact, T z, const ActivationTest& r) {
  const T rounded = static_cast<T>(exact.value);
  if (!std::isfinite(y) || !std::isfinite(rounded)) {
    return ulp_error(y, exact.value);
  }
  const long double exponent = r.exponent == nullptr ? 0.0L : std::fabs(r.exponent(z, T(r.parameter)));
  const long double unit = std::fmax(ulp_at<T>(exact.size), std::fabs(z) * std::numeric_limits<T>::denorm_min());
  return static_cast<double>(std::fabs(static_cast<long double>(y) - exact.value) / (unit * (1.0L + exponent)));
}

class ActivationKernels : public KernelTest {};
BACKPASS_FOR_USABLE_SETS(ActivationKernels);

TEST(ActivationDefinitions, AreOfAllElementwiseActivations) {
  for (int kind = 0; kind < kElementwiseActivations; ++kind) {
    EXPECT_TRUE(std::ranges::any_of(definitions::activations(),
                                    [&](const ActivationTest& r) { return static_cast<int>(r.kind) == kind; }))
        << "kind " << kind;
  }
}

template <class T>
void expect_accurate(const KernelTable<T>& t) {
  const std::vector<T> z = arguments<T>();
  for (const ActivationTest& r : definitions::activations()) {
    const std::vector<T> a = value_of(t, r, z);
    const std::vector<T> stored = stored_of(t, r, z);
    const std::vector<T> derivative = derivative_of(t, r, stored);
    const auto p = static_cast<long double>(T(r.parameter));
    double worst_value = 0.0;
    double worst_derivative = 0.0;
    std::size_t at_value = 0;
    std::size_t at_derivative = 0;
    for (std::size_t i = 0; i < z.size(); ++i) {
      const double value_error = error_in_ulp(a[i], Exact(r.value(z[i], p)), z[i], r);
      const double derivative_error =
          std::isfinite(stored[i]) ? error_in_ulp(derivative[i], r.derivative(stored[i], p), z[i], r) : 0.0;
      if (!(value_error <= worst_value)) {
        worst_value = value_error;
        at_value = i;
      }
      if (!(derivative_error <= worst_derivative)) {
        worst_derivative = derivative_error;
        at_derivative = i;
      }
    }
    EXPECT_LE(worst_value, kActivationUlp) << r.name << "(" << z[at_value] << ") = " << a[at_value];
    EXPECT_LE(worst_derivative, kActivationUlp)
        << r.name << "', stored " << stored[at_derivative] << ": " << derivative[at_derivative];
  }
}
TEST_P(ActivationKernels, ValueAndDerivativeAreAccurateEverywhere) {
  expect_accurate(table<float>());
  expect_accurate(table<double>());
}

/// Compares φ', computed from the stored quantity, with central differences of φ, extrapolated to h = 0.
template <class T>
void expect_slope(const KernelTable<T>& t) {
  constexpr long double kStep = 1e-3L;
  for (const ActivationTest& r : definitions::activations()) {
    const auto p = static_cast<long double>(T(r.parameter));
    std::vector<T> z;
    for (int i = -600; i <= 600; ++i) {
      const T x = T(i) * T(0.0101) + T(0.0013);
      bool smooth = true;
      for (const long double kink : r.kinks) {
        smooth = smooth && std::fabs(x - kink) > 2 * kStep;
      }
      if (smooth && (r.kind != ActivationKind::celu || std::fabs(x) > 2 * T(kStep))) {
        z.push_back(x);
      }
    }
    const std::vector<T> derivative = derivative_of(t, r, stored_of(t, r, z));
    for (std::size_t i = 0; i < z.size(); ++i) {
      const auto slope = [&](long double h) { return (r.value(z[i] + h, p) - r.value(z[i] - h, p)) / (2 * h); };
      const long double exact = (4 * slope(kStep / 2) - slope(kStep)) / 3;
      // Covers the rounding of the stored output (half an ulp, times |dφ'/dφ| <= 2), and the kernel's error.
      const long double tolerance = 8 * std::numeric_limits<T>::epsilon() * std::fmax(1.0L, std::fabs(exact)) +
                                    1e-11L * std::fmax(1.0L, std::fabs(exact));
      ASSERT_NEAR(static_cast<double>(derivative[i]), static_cast<double>(exact), static_cast<double>(tolerance))
          << r.name << " at " << z[i];
    }
  }
}
TEST_P(ActivationKernels, DerivativeIsTheSlope) {
  expect_slope(table<float>());
  expect_slope(table<double>());
}

template <class T>
void expect_kinks(const KernelTable<T>& t) {
  struct Case {
    ActivationKind kind;
    T parameter, z, slope;
  };
  const T below3 = std::nextafter(T(3), T(0));
  const Case cases[] = {
      {ActivationKind::relu, 0, T(0), T(0)},
      {ActivationKind::relu, 0, -T(0), T(0)},
      {ActivationKind::relu, 0, std::numeric_limits<T>::denorm_min(), T(1)},
      {ActivationKind::relu6, 0, T(0), T(0)},
      {ActivationKind::relu6, 0, T(6), T(0)},
      {ActivationKind::relu6, 0, std::nextafter(T(6), T(0)), T(1)},
      {ActivationKind::leaky_relu, T(0.25), T(0), T(0.25)},
      {ActivationKind::elu, T(2), T(0), T(2)},
      {ActivationKind::elu, T(2), std::numeric_limits<T>::denorm_min(), T(1)},
      {ActivationKind::selu, 0, T(0), T(1.7580993408473768599402175208123L)},
      {ActivationKind::celu, T(2), T(0), T(1)},
      {ActivationKind::hard_tanh, 0, T(1), T(0)},
      {ActivationKind::hard_tanh, 0, T(-1), T(0)},
      {ActivationKind::hard_tanh, 0, std::nextafter(T(1), T(0)), T(1)},
      {ActivationKind::hard_sigmoid, 0, T(3), T(0)},
      {ActivationKind::hard_sigmoid, 0, T(-3), T(0)},
      {ActivationKind::hard_sigmoid, 0, below3, T(1) / T(6)},
      {ActivationKind::hard_swish, 0, T(3), T(1)},
      {ActivationKind::hard_swish, 0, T(-3), T(0)},
      {ActivationKind::softsign, 0, T(0), T(1)},
  };
  for (const Case& c : cases) {
    const ActivationTest r{c.kind, "", static_cast<double>(c.parameter), nullptr};
    const T slope = derivative_of<T>(t, r, stored_of<T>(t, r, {c.z}))[0];
    EXPECT_EQ(slope, c.slope) << "kind " << static_cast<int>(c.kind) << " at " << c.z;
  }
}
TEST_P(ActivationKernels, KinksArePyTorchs) {
  expect_kinks(table<float>());
  expect_kinks(table<double>());
}

template <class T>
void expect_limits(const KernelTable<T>& t) {
  const T inf = std::numeric_limits<T>::infinity();
  const T lambda = T(1.0507009873554804934193349852946L);
  const T lambda_alpha = T(1.7580993408473768599402175208123L);
  struct Case {
    ActivationKind kind;
    T low, high;              // φ(−∞), φ(∞)
    T low_slope, high_slope;  // φ'(−∞), φ'(∞)
  };
  const Case cases[] = {
      {ActivationKind::identity, -inf, inf, 1, 1}, {ActivationKind::relu, 0, inf, 0, 1},
      {ActivationKind::relu6, 0, 6, 0, 0},         {ActivationKind::leaky_relu, -inf, inf, T(0.5), 1},
      {ActivationKind::elu, T(-0.5), inf, 0, 1},   {ActivationKind::selu, -lambda_alpha, inf, 0, lambda},
      {ActivationKind::celu, T(-0.5), inf, 0, 1},  {ActivationKind::gelu, 0, inf, 0, 1},
      {ActivationKind::gelu_tanh, 0, inf, 0, 1},   {ActivationKind::silu, 0, inf, 0, 1},
      {ActivationKind::mish, 0, inf, 0, 1},        {ActivationKind::softplus, 0, inf, 0, 1},
      {ActivationKind::softsign, -1, 1, 0, 0},     {ActivationKind::sigmoid, 0, 1, 0, 0},
      {ActivationKind::hard_sigmoid, 0, 1, 0, 0},  {ActivationKind::tanh, -1, 1, 0, 0},
      {ActivationKind::hard_tanh, -1, 1, 0, 0},    {ActivationKind::hard_swish, 0, inf, 0, 1},
      {ActivationKind::exp, 0, inf, 0, inf},
  };
  for (const Case& c : cases) {
    const ActivationTest r{c.kind, "", 0.5, nullptr};
    for (const T big : {inf, std::numeric_limits<T>::max()}) {
      const std::vector<T> z{-big, big};
      const std::vector<T> a = value_of(t, r, z);
      const std::vector<T> slope = derivative_of(t, r, stored_of(t, r, z));
      SCOPED_TRACE("kind " + std::to_string(static_cast<int>(c.kind)) + " at " + std::to_string(big));
      const bool linear = big != inf;  // infinite limits are reached only at infinity
      if (!(linear && std::isinf(c.low))) {
        EXPECT_EQ(a[0], c.low);
      }
      if (linear && std::isinf(c.high) && c.kind != ActivationKind::exp) {
        EXPECT_TRUE(std::isfinite(a[1]) || c.high_slope > 1) << a[1];
      } else {
        EXPECT_EQ(a[1], c.high);
      }
      EXPECT_EQ(slope[0], c.low_slope);
      EXPECT_EQ(slope[1], c.high_slope);
    }
  }
}
TEST_P(ActivationKernels, LimitsAtInfinityAndTheLargestNumbers) {
  expect_limits(table<float>());
  expect_limits(table<double>());
}

template <class T>
void expect_product(const KernelTable<T>& t) {
  const std::vector<T> z{T(-2.5), T(-0.5), T(0.25), T(0.75), T(2)};
  const std::vector<T> g{T(3), T(-0.125), T(0), T(1e10), T(-7)};
  for (const ActivationTest& r : definitions::activations()) {
    const std::vector<T> stored = stored_of(t, r, z);
    const std::vector<T> derivative = derivative_of(t, r, stored);
    std::vector<T> product = g;
    t.activate_gradient[static_cast<int>(r.kind)](5, T(r.parameter), stored.data(), product.data());
    for (std::size_t i = 0; i < z.size(); ++i) {
      EXPECT_EQ(product[i], g[i] * derivative[i]) << r.name << " at " << z[i];
    }
  }
}
TEST_P(ActivationKernels, GradientIsMultiplied) {
  expect_product(table<float>());
  expect_product(table<double>());
}

/// The identity's derivative needs no stored quantity.
TEST_P(ActivationKernels, IdentityReadsNoStoredQuantity) {
  float g = 3.0F;
  table<float>().activate_gradient[static_cast<int>(ActivationKind::identity)](1, 0.0F, nullptr, &g);
  EXPECT_EQ(g, 3.0F);
}

}  // namespace
}  // namespace backpass::kernels

// The elementwise losses: values and gradients against long double, at the ends of their range and at kinks.
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "definitions/losses.hpp"
#include "kernels/kernel_sets.hpp"

namespace backpass::kernels {
namespace {

using definitions::Exact;
using definitions::LossDomain;
using definitions::LossTest;

/// In ulp of the largest term: one logarithm or exponential, one division, one product, one sum.
constexpr double kLossUlp = 8.0;

template <class T>
struct Samples {
  std::vector<T> s, y;
};

template <class T>
Samples<T> samples(LossDomain domain, std::size_t n) {
  Samples<T> x;
  std::mt19937_64 random(5);
  std::uniform_real_distribution<T> unit(T(0.001), T(0.999));
  std::uniform_real_distribution<T> tail(T(-300), T(300));
  std::uniform_real_distribution<T> near(T(-4), T(4));
  const auto tiny = [&] { return std::ldexp(unit(random), -static_cast<int>(random() % 28)); };
  for (std::size_t i = 0; i < n; ++i) {
    switch (domain) {
      case LossDomain::real:
        x.y.push_back(near(random));
        x.s.push_back(i % 3 == 0 ? near(random) : (i % 3 == 1 ? tail(random) : x.y.back() + tiny()));
        break;
      case LossDomain::probability:
        x.s.push_back(i % 3 == 0 ? unit(random) : (i % 3 == 1 ? tiny() : T(1) - tiny()));
        x.y.push_back(i % 5 == 0 ? T(0) : (i % 5 == 1 ? T(1) : unit(random)));
        break;
      case LossDomain::rate:
        x.s.push_back(i % 2 == 0 ? tiny() : std::fabs(tail(random)));
        x.y.push_back(static_cast<T>(random() % 8));
        break;
      case LossDomain::logit:
        x.s.push_back(i % 2 == 0 ? near(random) : std::fmin(tail(random), T(80)));
        x.y.push_back(i % 3 == 0 ? T(0) : (i % 3 == 1 ? T(1) : unit(random)));
        break;
    }
  }
  return x;
}

class LossKernels : public KernelTest {
 protected:
  template <class T>
  double call(const LossTest& r, const std::vector<T>& s, const std::vector<T>& y, T scale, T* g) {
    return table<T>().loss[static_cast<int>(r.kernel)](static_cast<Index>(s.size()), T(r.parameter), s.data(), y.data(),
                                                       0, scale, g);
  }

  template <class T>
  void expect_accurate() {
    for (const LossTest& r : definitions::losses()) {
      const auto p = static_cast<long double>(T(r.parameter));
      const Samples<T> x = samples<T>(r.domain, 4000);
      for (std::size_t i = 0; i < x.s.size(); ++i) {
        T g = T(-99);
        const double value = call<T>(r, {x.s[i]}, {x.y[i]}, T(0.5), &g);
        const Exact exact = r.value(x.s[i], x.y[i], p);
        const Exact slope = r.gradient(x.s[i], x.y[i], p);
        const auto unit = static_cast<double>(ulp_at<T>(exact.size));
        ASSERT_NEAR(value, static_cast<double>(exact.value), kLossUlp * unit)
            << r.name << "(" << x.s[i] << ", " << x.y[i] << ")";
        const auto slope_unit = static_cast<double>(0.5L * ulp_at<T>(slope.size));
        ASSERT_NEAR(static_cast<double>(g), static_cast<double>(0.5L * slope.value), kLossUlp * slope_unit)
            << r.name << "'(" << x.s[i] << ", " << x.y[i] << ")";
      }
    }
  }

  template <class T>
  void expect_rows() {
    for (const LossTest& r : definitions::losses()) {
      const auto p = static_cast<long double>(T(r.parameter));
      for (std::size_t n = 0; n <= 3 * static_cast<std::size_t>(table<T>().lanes) + 1; ++n) {
        const Samples<T> x = samples<T>(r.domain, n);
        long double sum = 0.0L;
        long double size = 0.0L;
        for (std::size_t i = 0; i < n; ++i) {
          const Exact e = r.value(x.s[i], x.y[i], p);
          sum += e.value;
          size += e.size;
        }
        Guarded<T> s(x.s);
        Guarded<T> y(x.y);
        Guarded<T> g(n);
        const auto kernel = table<T>().loss[static_cast<int>(r.kernel)];
        const auto count = static_cast<Index>(n);
        const double value = kernel(count, T(r.parameter), s.data(), y.data(), 0, T(2), g.data());
        const double tolerance = kLossUlp * static_cast<double>(size) * std::numeric_limits<T>::epsilon();
        EXPECT_NEAR(value, static_cast<double>(sum), tolerance) << r.name << ", n = " << n;
        EXPECT_TRUE(g.intact() && s.intact() && y.intact()) << r.name << ", n = " << n;
        // The same bits without a gradient, and with a gradient that overwrites s.
        EXPECT_EQ(kernel(count, T(r.parameter), s.data(), y.data(), 0, T(2), nullptr), value);
        EXPECT_EQ(kernel(count, T(r.parameter), s.data(), y.data(), 0, T(2), s.data()), value);
        for (std::size_t i = 0; i < n; ++i) {
          EXPECT_TRUE(same(s[i], g[i])) << r.name << ", n = " << n << ", element " << i;
        }
      }
    }
  }
};
BACKPASS_FOR_USABLE_SETS(LossKernels);

TEST_P(LossKernels, ValueAndGradientAreAccurate) {
  expect_accurate<float>();
  expect_accurate<double>();
}

TEST_P(LossKernels, RowsOfEveryLength) {
  expect_rows<float>();
  expect_rows<double>();
}

/// The reference's gradients must be the slopes of its values. This detects an error in the reference.
TEST(LossDefinitions, GradientIsTheSlope) {
  for (const LossTest& r : definitions::losses()) {
    const Samples<double> x = samples<double>(r.domain, 300);
    for (std::size_t i = 0; i < x.s.size(); ++i) {
      const long double s = x.s[i];
      const long double y = x.y[i];
      const long double h = r.domain == LossDomain::probability || r.domain == LossDomain::rate
                                ? 1e-4L * std::fmin(s, r.domain == LossDomain::rate ? s : 1.0L - s)
                                : 1e-4L;
      const bool kink = std::fabs(s - y) < 2 * h || std::fabs(std::fabs(s - y) - r.parameter) < 2 * h;
      if (r.domain == LossDomain::real && kink) {
        continue;
      }
      const auto slope = [&](long double step) {
        return (r.value(s + step, y, r.parameter).value - r.value(s - step, y, r.parameter).value) / (2 * step);
      };
      const long double exact = (4 * slope(h / 2) - slope(h)) / 3;
      const Exact expected = r.gradient(s, y, r.parameter);
      // Values of magnitude `size` and arguments are rounded, then divided by h. The extrapolation has an error of
      // order h^4.
      const long double rounding = 8 * std::numeric_limits<long double>::epsilon() *
                                   (r.value(s, y, r.parameter).size + std::fabs(s) * expected.size) / h;
      EXPECT_NEAR(static_cast<double>(expected.value), static_cast<double>(exact),
                  static_cast<double>(1e-9L * std::fmax(expected.size, 1.0L) + rounding))
          << r.name << " at " << x.s[i] << ", " << x.y[i];
    }
  }
}

template <class T>
struct Ends {
  LossKernel kernel;
  T parameter, s, y;
  double value;
  T gradient;
};

template <class T>
void expect_ends(const KernelTable<T>& t, const std::vector<Ends<T>>& cases) {
  for (const Ends<T>& c : cases) {
    T g = T(-99);
    const double value = t.loss[static_cast<int>(c.kernel)](1, c.parameter, &c.s, &c.y, 0, T(1), &g);
    const std::string where = "case " + std::to_string(&c - cases.data());
    EXPECT_EQ(value, c.value) << where;
    EXPECT_EQ(g, c.gradient) << where;
  }
}

template <class T>
std::vector<Ends<T>> ends() {
  using K = LossKernel;
  const T max = std::numeric_limits<T>::max();
  const double dmax = static_cast<double>(max);
  const T eps = T(1e-12);
  return {
      // Kinks and equal arguments.
      {K::mse, 0, T(2), T(2), 0.0, T(0)},
      {K::mae, 0, T(2), T(2), 0.0, T(0)},
      {K::quantile, T(0.25), T(2), T(2), 0.0, T(0)},
      {K::quantile, T(0.25), T(3), T(2), 0.75, T(0.75)},
      {K::quantile, T(0.25), T(1), T(2), 0.25, T(-0.25)},
      {K::huber, T(1), T(3), T(2), 0.5, T(1)},
      {K::huber, T(2), T(-10), T(2), 22.0, T(-2)},
      {K::log_cosh, 0, T(2), T(2), 0.0, T(0)},
      // The largest numbers of the type.
      {K::mae, 0, max, T(0), dmax, T(1)},
      {K::huber, T(0.5), max, T(0), 0.5 * dmax, T(0.5)},
      {K::log_cosh, 0, -max, T(0), dmax, T(-1)},
      {K::sigmoid_cross_entropy, 0, max, T(1), 0.0, T(0)},
      {K::sigmoid_cross_entropy, 0, -max, T(0), 0.0, T(0)},
      {K::sigmoid_cross_entropy, 0, -max, T(1), dmax, T(-1)},
      {K::sigmoid_cross_entropy, 0, max, T(0), dmax, T(1)},
      {K::sigmoid_cross_entropy, 0, max, T(0.5), 0.5 * dmax, T(0.5)},
      {K::poisson_exp, 0, -max, T(0), 0.0, T(0)},
      {K::poisson_exp, 0, -max, T(1), dmax, T(-1)},
      {K::poisson_softplus, 0, -max, T(0), 0.0, T(0)},
      {K::poisson_softplus, 0, -max, T(1), dmax, T(-1)},
      {K::poisson_softplus, 0, T(-5000), T(2), 10000.0, T(-2)},
      {K::poisson_softplus, 0, max, T(0), dmax, T(1)},
      // Probabilities of 0 and 1: the logarithm is at least −100, the denominator at least 1e-12.
      {K::binary_cross_entropy, 0, T(0), T(1), 100.0, T(-1) / eps},
      {K::binary_cross_entropy, 0, T(1), T(0), 100.0, T(1) / eps},
      {K::binary_cross_entropy, 0, T(0), T(0), 0.0, T(0)},
      {K::binary_cross_entropy, 0, T(1), T(1), 0.0, T(0)},
      // A rate of 0.
      {K::poisson, 0, T(0), T(0), 0.0, T(1)},
      {K::poisson, 0, T(1), T(0), 1.0, T(1)},
  };
}
TEST_P(LossKernels, EndsAndKinks) {
  expect_ends(table<float>(), ends<float>());
  expect_ends(table<double>(), ends<double>());
}

TEST_P(LossKernels, PoissonOfARateOfZeroIsFinite) {
  const double s = 0.0;
  const double y = 3.0;
  double g = 0.0;
  const double value = table<double>().loss[static_cast<int>(LossKernel::poisson)](1, 0.0, &s, &y, 0, 1.0, &g);
  EXPECT_NEAR(value, -3.0 * std::log(1e-12), 1e-12);
  EXPECT_NEAR(g, 1.0 - 3e12, 1e-3);
}

/// The square of a float fits a double, so nothing overflows before the mean.
TEST_P(LossKernels, SquaresOfLargeFloatsAreFinite) {
  const float s = 1e30F;
  const float y = 0.0F;
  const double value = table<float>().loss[static_cast<int>(LossKernel::mse)](1, 0.0F, &s, &y, 0, 1.0F, nullptr);
  EXPECT_DOUBLE_EQ(value, static_cast<double>(s) * static_cast<double>(s));
}

template <class T>
void expect_nan(const KernelTable<T>& t) {
  const T nan = std::numeric_limits<T>::quiet_NaN();
  for (const LossTest& r : definitions::losses()) {
    for (const bool target : {false, true}) {
      const std::vector<T> s{T(0.5), target ? T(0.5) : nan, T(0.5)};
      const std::vector<T> y{T(0.25), target ? nan : T(0.25), T(0.25)};
      std::vector<T> g(3);
      EXPECT_TRUE(
          std::isnan(t.loss[static_cast<int>(r.kernel)](3, T(r.parameter), s.data(), y.data(), 0, T(1), g.data())))
          << r.name;
      EXPECT_TRUE(std::isfinite(g[0]) && std::isnan(g[1]) && std::isfinite(g[2])) << r.name << " target " << target;
    }
  }
}
TEST_P(LossKernels, NaNGivesNaN) {
  expect_nan(table<float>());
  expect_nan(table<double>());
}

}  // namespace
}  // namespace backpass::kernels

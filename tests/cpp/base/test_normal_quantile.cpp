#include "base/normal_quantile.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

namespace backpass {
namespace {

// Checks Φ(Φ⁻¹(p)) = p, with Φ from erfc in long double. An error δ in x changes p by φ(x) δ.
TEST(NormalQuantile, InvertsTheDistribution) {
  for (int i = 1; i < 2000; ++i) {
    for (const double p : {i / 2000.0, std::ldexp(1.0, -i / 40) * 0.49}) {
      const long double x = normal_quantile(p);
      const long double back = 0.5L * std::erfc(-x / std::numbers::sqrt2_v<long double>);
      const long double density = std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi_v<long double>);
      EXPECT_NEAR(static_cast<double>((back - p) / density), 0.0,
                  4e-15 * std::max(1.0, std::fabs(static_cast<double>(x))))
          << p;
    }
  }
}

TEST(NormalQuantile, IsOddAboutOneHalf) {
  EXPECT_EQ(normal_quantile(0.5), 0.0);
  for (const double p : {0x1p-3, 0x1p-5, 0x1p-20, 0x1p-50}) {
    EXPECT_EQ(normal_quantile(p), -normal_quantile(1.0 - p)) << p;
  }
}

TEST(NormalQuantile, TabulatedValues) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-15);
  EXPECT_NEAR(normal_quantile(1e-10), -6.361340902404056, 1e-14);
}

}  // namespace
}  // namespace backpass

// The vector functions have errors of at most 4 ulp over the whole range. Floats are a stride through all 2^32 bit
// patterns, compared with double precision. Doubles are random over all exponents and in the range where each function
// changes, compared with long double.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "kernels/kernel_sets.hpp"
#include "vector_functions.hpp"

namespace backpass::kernels {
namespace {

constexpr double kMathUlp = 4.0;

template <class T>
using Kernel = typename VectorFunctions<T>::Function;

struct Function {
  const char* name;
  Kernel<float> VectorFunctions<float>::* f32;
  Kernel<double> VectorFunctions<double>::* f64;
  double (*exact)(double);
  long double (*exact_long)(long double);
  double low, high;  ///< the range in which the function changes
};

const Function kFunctions[] = {
    {"exp", &VectorFunctions<float>::exp, &VectorFunctions<double>::exp, std::exp, std::exp, -750.0, 715.0},
    {"log", &VectorFunctions<float>::log, &VectorFunctions<double>::log, std::log, std::log, 0.2, 3.0},
    {"tanh", &VectorFunctions<float>::tanh, &VectorFunctions<double>::tanh, std::tanh, std::tanh, -25.0, 25.0},
    {"erf", &VectorFunctions<float>::erf, &VectorFunctions<double>::erf, std::erf, std::erf, -7.0, 7.0},
    {"sin", &VectorFunctions<float>::sin, &VectorFunctions<double>::sin, std::sin, std::sin, -30.0, 30.0},
};

class VectorMath : public KernelTest {
 protected:
  template <class T>
  const VectorFunctions<T>& functions() const {
    return vector_functions<T>(*GetParam());
  }

  /// Fails at the first element with an error above kMathUlp.
  template <class T, class Exact>
  void expect_accurate(const char* name, Kernel<T> kernel, Exact exact, const std::vector<T>& x) {
    std::vector<T> y(x.size());
    kernel(static_cast<Index>(x.size()), x.data(), y.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const long double expected = exact(x[i]);
      const double error = ulp_error(y[i], expected);
      worst_ = std::max(worst_, error);
      if (!(error <= kMathUlp)) {
        ADD_FAILURE() << name << "(" << x[i] << ") = " << y[i] << ", exact " << expected << ": " << error << " ulp";
        return;
      }
    }
  }
  void TearDown() override { RecordProperty("worst_ulp", std::to_string(worst_)); }

 private:
  double worst_ = 0.0;
};
BACKPASS_FOR_USABLE_SETS(VectorMath);

TEST_P(VectorMath, FloatsOfAllBitPatterns) {
  constexpr std::uint64_t kStride = 4099;  // prime, so all low bits occur with all exponents
  constexpr std::size_t kChunk = 1 << 14;
  for (const Function& f : kFunctions) {
    std::vector<float> x;
    for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += kStride) {
      const auto pattern = static_cast<std::uint32_t>(bits);
      float value = 0.0F;
      std::memcpy(&value, &pattern, sizeof value);
      x.push_back(value);
      if (x.size() == kChunk) {
        expect_accurate(f.name, functions<float>().*f.f32, [&](float v) { return f.exact(static_cast<double>(v)); }, x);
        x.clear();
      }
    }
    expect_accurate(f.name, functions<float>().*f.f32, [&](float v) { return f.exact(static_cast<double>(v)); }, x);
  }
}

TEST_P(VectorMath, DoublesOfAllSizes) {
  std::mt19937_64 random(1);
  for (const Function& f : kFunctions) {
    std::uniform_real_distribution<double> interesting(f.low, f.high);
    std::vector<double> x;
    for (int i = 0; i < 120000; ++i) {
      const std::uint64_t bits = random();
      double value = interesting(random);
      if (i % 3 == 1) {
        std::memcpy(&value, &bits, sizeof value);
      } else if (i % 3 == 2) {
        value = std::ldexp(value, -static_cast<int>(bits % 64));
      }
      x.push_back(value);
    }
    expect_accurate(f.name, functions<double>().*f.f64, [&](double v) { return f.exact_long(v); }, x);
  }
}

/// The hardest arguments: next to multiples of π/2, where all leading digits cancel.
TEST_P(VectorMath, SineNextToItsZeros) {
  std::vector<float> floats;
  std::vector<double> doubles;
  std::mt19937_64 random(2);
  for (int exponent = 0; exponent < 1020; ++exponent) {
    for (int i = 0; i < 20; ++i) {
      const auto multiple = static_cast<long double>(1 + (random() >> 12) * 0x1p-52);
      const long double n = std::nearbyint(std::ldexp(multiple, exponent));
      const auto zero = static_cast<double>(n * 1.57079632679489661923132169163975144L);
      doubles.insert(doubles.end(), {zero, std::nextafter(zero, 0.0), std::nextafter(zero, 1e308), -zero});
      if (exponent < 126) {
        floats.push_back(static_cast<float>(zero));
      }
    }
  }
  // The double that is closest to a multiple of π/2 (W. Kahan).
  doubles.push_back(6381956970095103.0 * 0x1p797);
  expect_accurate("sin", functions<float>().sin, [](float v) { return std::sin(static_cast<double>(v)); }, floats);
  expect_accurate(
      "sin", functions<double>().sin, [](double v) { return std::sin(static_cast<long double>(v)); }, doubles);
}

template <class T>
void expect_special_values(const VectorFunctions<T>& t) {
  using Limits = std::numeric_limits<T>;
  const T inf = Limits::infinity();
  const T nan = Limits::quiet_NaN();
  const T tiny = Limits::denorm_min();
  struct Case {
    Kernel<T> kernel;
    T x, y;
  };
  const Case cases[] = {
      {t.exp, inf, inf},
      {t.exp, -inf, T(0)},
      {t.exp, T(0), T(1)},
      {t.exp, -T(0), T(1)},
      {t.exp, Limits::max(), inf},
      {t.exp, tiny, T(1)},
      {t.exp, Limits::lowest(), T(0)},
      {t.log, inf, inf},
      {t.log, -inf, nan},
      {t.log, T(0), -inf},
      {t.log, -T(0), -inf},
      {t.log, T(1), T(0)},
      {t.log, -tiny, nan},
      {t.log, T(-1), nan},
      {t.tanh, inf, T(1)},
      {t.tanh, -inf, T(-1)},
      {t.tanh, T(0), T(0)},
      {t.tanh, -T(0), -T(0)},
      {t.tanh, tiny, tiny},
      {t.tanh, -tiny, -tiny},
      {t.tanh, Limits::max(), T(1)},
      {t.erf, inf, T(1)},
      {t.erf, -inf, T(-1)},
      {t.erf, T(0), T(0)},
      {t.erf, -T(0), -T(0)},
      {t.erf, tiny, tiny},
      {t.erf, Limits::max(), T(1)},
      {t.sin, inf, nan},
      {t.sin, -inf, nan},
      {t.sin, T(0), T(0)},
      {t.sin, -T(0), -T(0)},
      {t.sin, tiny, tiny},
      {t.sin, -tiny, -tiny},
  };
  for (const Case& c : cases) {
    T y = T(-99);
    c.kernel(1, &c.x, &y);
    EXPECT_TRUE(same(y, c.y)) << "case " << (&c - cases) << ": f(" << c.x << ") = " << y << ", not " << c.y;
  }
  for (const Kernel<T> kernel : {t.exp, t.log, t.tanh, t.erf, t.sin}) {
    for (const T x : {nan, -nan}) {
      T y = T(0);
      kernel(1, &x, &y);
      EXPECT_TRUE(std::isnan(y));
    }
  }
}

TEST_P(VectorMath, SpecialValues) {
  expect_special_values(functions<float>());
  expect_special_values(functions<double>());
}

}  // namespace
}  // namespace backpass::kernels

// ulp [--stride N] [--doubles N] [--function NAME]: prints the largest error of the vector functions in units in the
// last place, for every usable kernel set, one line per function and type.
//
// float: every N-th of all 2^32 bit patterns (--stride 1: all), compared with the C library's double function, whose
// error is below 1e-8 float units. double: N random arguments, compared with the 113-bit functions of libquadmath if
// the compiler has them, otherwise with long double.
//
// Each function runs twice: in the default floating-point mode, and in the library's mode, which reads and writes
// denormal numbers as zero. The second run leaves out the effects of that mode: denormal arguments, denormal results,
// and errors below the smallest normal number (a denormal intermediate result was flushed). It reports the largest
// argument whose result is 0 only in that mode.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <backpass/activation_kind.hpp>

#include "base/floating_point_mode.hpp"
#include "kernels/dispatch.hpp"
#include "vector_functions.hpp"

#if defined(BACKPASS_HAVE_QUADMATH)
#include <quadmath.h>
#endif

namespace backpass::kernels {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

#if defined(BACKPASS_HAVE_QUADMATH)
__extension__ typedef __float128 Wide;
constexpr const char* kWideName = "113 bits";
Wide wide_exp(Wide x) { return expq(x); }
Wide wide_expm1(Wide x) { return expm1q(x); }
Wide wide_log(Wide x) { return logq(x); }
Wide wide_log1p(Wide x) { return log1pq(x); }
Wide wide_tanh(Wide x) { return tanhq(x); }
Wide wide_erf(Wide x) { return erfq(x); }
Wide wide_sin(Wide x) { return sinq(x); }
Wide wide_cos(Wide x) { return cosq(x); }
#else
using Wide = long double;
constexpr const char* kWideName = "long double";
Wide wide_exp(Wide x) { return std::exp(x); }
Wide wide_expm1(Wide x) { return std::expm1(x); }
Wide wide_log(Wide x) { return std::log(x); }
Wide wide_log1p(Wide x) { return std::log1p(x); }
Wide wide_tanh(Wide x) { return std::tanh(x); }
Wide wide_erf(Wide x) { return std::erf(x); }
Wide wide_sin(Wide x) { return std::sin(x); }
Wide wide_cos(Wide x) { return std::cos(x); }
#endif

template <class T>
using Apply = void (*)(const KernelSet& set, Index n, const T* x, T* y);

/// y = φ(x) of an activation without a parameter, or with parameter 1.
template <class T, ActivationKind kKind>
void activate(const KernelSet& set, Index n, const T* x, T* y) {
  table<T>(set).activate[static_cast<int>(kKind)](n, T(1), x, y);
}
/// y = cos(x), the derivative of the activation sin.
template <class T>
void cosine(const KernelSet& set, Index n, const T* x, T* y) {
  std::fill_n(y, n, T(1));
  table<T>(set).activate_gradient[static_cast<int>(ActivationKind::sin)](n, T(1), x, y);
}

struct Function {
  const char* name;
  Apply<float> f32;
  Apply<double> f64;
  double (*exact)(double);
  Wide (*exact_wide)(Wide);
  double low, high;                     ///< the range in which the function changes
  double bound;                         ///< the largest allowed error
  double largest_argument = kInfinity;  ///< above it, the kernel is not this function
};

/// y = f(x) of a vector function.
template <class T, auto kFunction>
void apply(const KernelSet& set, Index n, const T* x, T* y) {
  (vector_functions<T>(set).*kFunction)(n, x, y);
}
#define BACKPASS_VECTOR_FUNCTION(name) \
  &apply<float, &VectorFunctions<float>::name>, &apply<double, &VectorFunctions<double>::name>
#define BACKPASS_ACTIVATION(name) &activate<float, ActivationKind::name>, &activate<double, ActivationKind::name>

const Function kFunctions[] = {
    {"exp", BACKPASS_VECTOR_FUNCTION(exp), std::exp, wide_exp, -750.0, 715.0, 4.0},
    {"log", BACKPASS_VECTOR_FUNCTION(log), std::log, wide_log, 0.2, 3.0, 4.0},
    {"tanh", BACKPASS_VECTOR_FUNCTION(tanh), std::tanh, wide_tanh, -25.0, 25.0, 4.0},
    {"erf", BACKPASS_VECTOR_FUNCTION(erf), std::erf, wide_erf, -7.0, 7.0, 4.0},
    {"sin", BACKPASS_VECTOR_FUNCTION(sin), std::sin, wide_sin, -30.0, 30.0, 4.0},
    {"cos", &cosine<float>, &cosine<double>, std::cos, wide_cos, -30.0, 30.0, 4.0},
    {"expm1", BACKPASS_ACTIVATION(elu), std::expm1, wide_expm1, -50.0, 0.0, 4.0, 0.0},
    {"sigmoid", BACKPASS_ACTIVATION(sigmoid), [](double x) { return 1.0 / (1.0 + std::exp(-x)); },
     [](Wide x) -> Wide { return 1 / (1 + wide_exp(-x)); }, -750.0, 40.0, 4.0},
    {"softplus", BACKPASS_ACTIVATION(softplus), [](double x) { return x > 700.0 ? x : std::log1p(std::exp(x)); },
     [](Wide x) -> Wide { return x > 700 ? x : wide_log1p(wide_exp(x)); }, -750.0, 40.0, 4.0},
};

// ---- errors in units in the last place

/// |y − exact| in units in the last place of the exact value; infinite for a wrong NaN, infinity or sign of zero.
template <class T, class Exact>
double ulp_error(T y, Exact exact) {
  using Limits = std::numeric_limits<T>;
  if (exact != exact || std::isnan(y)) {
    return exact != exact && std::isnan(y) ? 0.0 : kInfinity;
  }
  if (exact == 0) {
    const bool negative = std::signbit(static_cast<double>(exact));
    return y == T(0) && std::signbit(y) == negative ? 0.0 : kInfinity;
  }
  // Infinity counts as the first power of two above the largest number: rounding to it begins half a unit below.
  const Exact beyond = 2 * static_cast<Exact>(std::ldexp(T(1), Limits::max_exponent - 1));
  const auto bounded = [&](Exact v) { return v > beyond ? beyond : (v < -beyond ? -beyond : v); };
  int exponent = 0;
  std::frexp(static_cast<long double>(bounded(exact)), &exponent);
  exponent = std::clamp(exponent, Limits::min_exponent, Limits::max_exponent);
  const Exact difference = bounded(static_cast<Exact>(y)) - bounded(exact);
  return static_cast<double>(std::fabs(std::ldexp(static_cast<long double>(difference), Limits::digits - exponent)));
}
/// The same for float and double, but fast: it runs four thousand million times.
double ulp_error(float y, double exact) {
  const double magnitude = std::fabs(exact);
  if (!(magnitude >= 0x1p-126 && magnitude < 0x1p127) || !(std::fabs(y) <= 0x1p127F)) {
    return ulp_error<float, double>(y, exact);
  }
  std::uint64_t bits = 0;
  std::memcpy(&bits, &magnitude, sizeof bits);
  const std::uint64_t inverse_unit_bits = (2 * 1023 + 23 - (bits >> 52)) << 52;  // 2^(23 − exponent)
  double inverse_unit = 0.0;
  std::memcpy(&inverse_unit, &inverse_unit_bits, sizeof inverse_unit);
  return std::fabs(static_cast<double>(y) - exact) * inverse_unit;
}

template <class T>
struct Worst {
  double error = -1.0;
  T argument = 0;
  void see(double e, T x) {
    if (e > error) {
      error = e;
      argument = x;
    }
  }
};
template <class T>
struct Result {
  const KernelSet* set;
  Worst<T> normal_mode;
  Worst<T> flushing;
  T last_flushed = -std::numeric_limits<T>::infinity();  ///< the largest normal argument whose result was flushed
};

template <class T>
class Measurement {
 public:
  explicit Measurement(const Function& function) : function_(function) {
    for (const KernelSet* set : built()) {
      if (usable(*set)) {
        results_.push_back({.set = set, .normal_mode = {}, .flushing = {}});
      }
    }
  }

  void add(const std::vector<T>& x) {
    constexpr T kMinNormal = std::numeric_limits<T>::min();
    y_.resize(x.size());
    exact_.resize(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      exact_[i] = exact(x[i]);
    }
    for (Result<T>& result : results_) {
      run(*result.set, x);
      for (std::size_t i = 0; i < x.size(); ++i) {
        if (!(static_cast<double>(x[i]) > function_.largest_argument)) {
          result.normal_mode.see(ulp_error(y_[i], exact_[i]), x[i]);
        }
      }
      {
        const FloatingPointMode flush;
        run(*result.set, x);
      }
      for (std::size_t i = 0; i < x.size(); ++i) {
        if (std::fabs(x[i]) < kMinNormal || static_cast<double>(x[i]) > function_.largest_argument) {
          continue;
        }
        const auto magnitude = exact_[i] < 0 ? -exact_[i] : exact_[i];
        const auto difference = static_cast<Exact>(y_[i]) - exact_[i];
        if (magnitude < kMinNormal) {
          if (y_[i] == T(0) && magnitude != 0) {
            result.last_flushed = std::max(result.last_flushed, x[i]);
          }
        } else if (!(difference < kMinNormal && -difference < kMinNormal)) {
          result.flushing.see(ulp_error(y_[i], exact_[i]), x[i]);
        }
      }
    }
    count_ += x.size();
  }

  /// Prints the line; returns whether every set is within the function's bound.
  [[nodiscard]] bool report(const char* type, const char* against) const {
    std::printf("%s, %s, %llu arguments against %s:", function_.name, type, static_cast<unsigned long long>(count_),
                against);
    bool good = true;
    T last_flushed = -std::numeric_limits<T>::infinity();
    for (const Result<T>& result : results_) {
      std::printf("%s %s %.3f ulp at %a", &result == results_.data() ? "" : ";", result.set->name,
                  result.normal_mode.error, static_cast<double>(result.normal_mode.argument));
      if (result.flushing.error > result.normal_mode.error) {
        std::printf(" (flushing denormals: %.3f at %a)", result.flushing.error,
                    static_cast<double>(result.flushing.argument));
      }
      last_flushed = std::max(last_flushed, result.last_flushed);
      good = good && result.normal_mode.error <= function_.bound && result.flushing.error <= function_.bound;
    }
    if (std::isfinite(last_flushed)) {
      std::printf("; flushed to 0 up to x = %.9g", static_cast<double>(last_flushed));
    }
    std::printf("; bound %g: %s\n", function_.bound, good ? "held" : "BROKEN");
    std::fflush(stdout);
    return good;
  }

 private:
  using Exact = std::conditional_t<sizeof(T) == sizeof(float), double, Wide>;

  Exact exact(T x) const {
    if constexpr (sizeof(T) == sizeof(float)) {
      return function_.exact(static_cast<double>(x));
    } else {
      return function_.exact_wide(static_cast<Wide>(x));
    }
  }
  void run(const KernelSet& set, const std::vector<T>& x) {
    const auto n = static_cast<Index>(x.size());
    if constexpr (sizeof(T) == sizeof(float)) {
      function_.f32(set, n, x.data(), y_.data());
    } else {
      function_.f64(set, n, x.data(), y_.data());
    }
  }

  const Function& function_;
  std::vector<Result<T>> results_;
  std::vector<T> y_;
  std::vector<Exact> exact_;
  std::uint64_t count_ = 0;
};

constexpr std::size_t kChunk = 1 << 14;

bool measure_floats(const Function& function, std::uint64_t stride) {
  Measurement<float> measurement(function);
  std::vector<float> x;
  for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += stride) {
    const auto pattern = static_cast<std::uint32_t>(bits);
    float value = 0.0F;
    std::memcpy(&value, &pattern, sizeof value);
    x.push_back(value);
    if (x.size() == kChunk) {
      measurement.add(x);
      x.clear();
    }
  }
  measurement.add(x);
  return measurement.report("float32", "double");
}

/// A quarter each: the range in which the function changes, random bit patterns, numbers near 0, and neighbours of
/// multiples of π/2, where trigonometric functions cancel.
bool measure_doubles(const Function& function, std::uint64_t count) {
  Measurement<double> measurement(function);
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> interesting(function.low, function.high);
  std::vector<double> x;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t bits = random();
    double value = interesting(random);
    if (i % 4 == 1) {
      std::memcpy(&value, &bits, sizeof value);
    } else if (i % 4 == 2) {
      value = std::ldexp(value, -static_cast<int>(bits % 64));
    } else if (i % 4 == 3) {
      const double multiple =
          std::ldexp(1.0 + static_cast<double>(bits >> 12) * 0x1p-52, static_cast<int>(bits % 1000));
      value = static_cast<double>(std::nearbyint(static_cast<long double>(multiple)) *
                                  1.57079632679489661923132169163975144L);
    }
    x.push_back(value);
    if (x.size() == kChunk) {
      measurement.add(x);
      x.clear();
    }
  }
  measurement.add(x);
  return measurement.report("float64", kWideName);
}

}  // namespace
}  // namespace backpass::kernels

int main(int argc, char** argv) {
  std::uint64_t stride = 4099;  // prime, so all low bits occur with all exponents
  std::uint64_t doubles = 20000;
  std::string_view only;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option = argv[i];
    if (option == "--function") {
      only = argv[i + 1];
    } else if (option == "--stride") {
      stride = std::strtoull(argv[i + 1], nullptr, 10);
    } else if (option == "--doubles") {
      doubles = std::strtoull(argv[i + 1], nullptr, 10);
    }
  }
  if (argc % 2 == 0 || stride == 0) {
    std::fprintf(stderr, "usage: ulp [--stride N] [--doubles N] [--function NAME]\n");
    return 2;
  }
  bool good = true;
  for (const backpass::kernels::Function& function : backpass::kernels::kFunctions) {
    if (only.empty() || only == function.name) {
      good = backpass::kernels::measure_floats(function, stride) && good;
      if (doubles > 0) {
        good = backpass::kernels::measure_doubles(function, doubles) && good;
      }
    }
  }
  return good ? 0 : 1;
}

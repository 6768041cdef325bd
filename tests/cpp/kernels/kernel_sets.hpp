/// Shared by the kernel tests: one test per usable kernel set, errors in ulp, arrays with canaries.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/dispatch.hpp"

namespace backpass::kernels {

inline std::vector<const KernelSet*> usable_sets() {
  std::vector<const KernelSet*> sets;
  for (const KernelSet* set : built()) {
    if (usable(*set)) {
      sets.push_back(set);
    }
  }
  return sets;
}

/// A test of one kernel set.
class KernelTest : public testing::TestWithParam<const KernelSet*> {
 protected:
  template <class T>
  const KernelTable<T>& table() const {
    return kernels::table<T>(*GetParam());
  }
};

inline std::string set_name(const testing::TestParamInfo<const KernelSet*>& info) { return info.param->name; }

#define BACKPASS_FOR_USABLE_SETS(suite) INSTANTIATE_TEST_SUITE_P(Isa, suite, testing::ValuesIn(usable_sets()), set_name)

/// The distance between adjacent values of T at x; at 0 the smallest denormal number.
template <class T>
long double ulp_at(long double x) {
  using Limits = std::numeric_limits<T>;
  const long double magnitude = std::fabs(x);
  if (!(magnitude > Limits::min())) {
    return Limits::denorm_min();
  }
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  return std::ldexp(1.0L, exponent - Limits::digits);
}

/// |y − exact| in ulp of the exact value. NaN, infinities and zeros (with their sign) must be equal: the result is then
/// 0, and infinity otherwise.
template <class T>
double ulp_error(T y, long double exact) {
  constexpr double kWrong = std::numeric_limits<double>::infinity();
  if (std::isnan(exact)) {
    return std::isnan(y) ? 0.0 : kWrong;
  }
  if (std::isnan(y)) {
    return kWrong;
  }
  if (exact == 0.0L) {
    return y == T(0) && std::signbit(y) == std::signbit(exact) ? 0.0 : kWrong;
  }
  const T rounded = static_cast<T>(exact);
  if (std::isinf(rounded) || std::isinf(y)) {
    // At the overflow threshold the largest finite number counts as one ulp away from infinity.
    const T largest = std::copysign(std::numeric_limits<T>::max(), rounded);
    return y == rounded ? 0.0 : ((y == largest || rounded == largest) && !std::isinf(exact) ? 1.0 : kWrong);
  }
  return static_cast<double>(std::fabs(static_cast<long double>(y) - exact) / ulp_at<T>(exact));
}

template <class T>
bool same_bits(T a, T b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}
/// Whether both have the same bits or both are NaN.
template <class T>
bool same(T a, T b) {
  return same_bits(a, b) || (std::isnan(a) && std::isnan(b));
}

/// Special values first, then ordinary sizes and random bit patterns (every exponent) in turn.
template <class T>
std::vector<T> numbers_of_all_kinds(std::size_t n, std::uint64_t seed) {
  using Limits = std::numeric_limits<T>;
  std::vector<T> x{T(0),
                   -T(0),
                   T(1),
                   T(-1),
                   Limits::max(),
                   Limits::lowest(),
                   Limits::min(),
                   Limits::denorm_min(),
                   -Limits::denorm_min(),
                   Limits::infinity(),
                   -Limits::infinity(),
                   Limits::quiet_NaN(),
                   T(3),
                   T(-3),
                   T(6),
                   T(-40)};
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<T> ordinary(T(-12), T(12));
  while (x.size() < n) {
    T value = ordinary(random);
    if (x.size() % 2 == 0) {
      const std::uint64_t bits = random();
      std::memcpy(&value, &bits, sizeof value);
    }
    x.push_back(value);
  }
  x.resize(n);
  return x;
}

/// An array with canaries before and after it, to detect writes outside.
template <class T>
class Guarded {
 public:
  explicit Guarded(std::size_t n, std::size_t offset = 1)
      : values_(n + offset + kBehind, T(kCanary)), offset_(offset), n_(n) {}
  Guarded(const std::vector<T>& values, std::size_t offset = 1) : Guarded(values.size(), offset) {
    for (std::size_t i = 0; i < n_; ++i) {
      (*this)[i] = values[i];
    }
  }
  T* data() { return values_.data() + offset_; }
  T& operator[](std::size_t i) { return values_[offset_ + i]; }
  [[nodiscard]] bool intact() const {
    for (std::size_t i = 0; i < values_.size(); ++i) {
      if ((i < offset_ || i >= offset_ + n_) && values_[i] != T(kCanary)) {
        return false;
      }
    }
    return true;
  }

 private:
  static constexpr std::size_t kBehind = 20;  // more than the lanes of a vector
  static constexpr int kCanary = 12345;
  std::vector<T> values_;
  std::size_t offset_;
  std::size_t n_;
};

}  // namespace backpass::kernels

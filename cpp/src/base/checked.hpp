/// Size arithmetic that cannot wrap around: for numbers that came from outside, before anything is allocated.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <span>

namespace backpass {

/// a + b, or nothing when it does not fit.
[[nodiscard]] constexpr std::optional<std::size_t> checked_add(std::size_t a, std::size_t b) noexcept {
  if (a > std::numeric_limits<std::size_t>::max() - b) {
    return std::nullopt;
  }
  return a + b;
}

/// a · b, or nothing when it does not fit.
[[nodiscard]] constexpr std::optional<std::size_t> checked_mul(std::size_t a, std::size_t b) noexcept {
  if (b != 0 && a > std::numeric_limits<std::size_t>::max() / b) {
    return std::nullopt;
  }
  return a * b;
}

/// The product of all factors (1 for none), or nothing when it does not fit. A zero makes the product zero only if the
/// factors before it fit: (2^63, 2, 0) is refused, which no honest shape misses.
[[nodiscard]] constexpr std::optional<std::size_t> checked_product(std::span<const std::size_t> factors) noexcept {
  std::optional<std::size_t> product = 1;
  for (std::size_t factor : factors) {
    product = checked_mul(*product, factor);
    if (!product) {
      return std::nullopt;
    }
  }
  return product;
}

}  // namespace backpass

/// Size arithmetic that cannot wrap around, for sizes from outside, used before any allocation.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <span>

namespace backpass {

/// a + b, or nullopt if it does not fit.
[[nodiscard]] constexpr std::optional<std::size_t> checked_add(std::size_t a, std::size_t b) noexcept {
  if (a > std::numeric_limits<std::size_t>::max() - b) {
    return std::nullopt;
  }
  return a + b;
}

/// a · b, or nullopt if it does not fit.
[[nodiscard]] constexpr std::optional<std::size_t> checked_mul(std::size_t a, std::size_t b) noexcept {
  if (b != 0 && a > std::numeric_limits<std::size_t>::max() / b) {
    return std::nullopt;
  }
  return a * b;
}

/// The product of all factors (1 if there are none), or nullopt if it does not fit. A factor 0 makes the product 0 only
/// if the product of the factors before it fits: (2^63, 2, 0) is refused, and no useful shape has this form.
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

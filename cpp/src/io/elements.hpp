/// A network's numbers as the bytes of tensors: little-endian, weights (M_i, M_{i-1}) where the core stores (M_{i-1},
/// M_i).
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <span>

namespace backpass::io {

/// \param at  sizeof(T) bytes, at no particular alignment
template <class T>
[[nodiscard]] T load_element(const std::byte* at) noexcept {
  std::byte bytes[sizeof(T)];
  std::memcpy(bytes, at, sizeof(T));
  if constexpr (std::endian::native == std::endian::big) {
    std::reverse(bytes, bytes + sizeof(T));
  }
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

template <class T>
void store_element(std::byte* at, const T& value) noexcept {
  std::byte bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  if constexpr (std::endian::native == std::endian::big) {
    std::reverse(bytes, bytes + sizeof(T));
  }
  std::memcpy(at, bytes, sizeof(T));
}

template <class T>
void load_elements(std::span<const std::byte> bytes, std::span<T> values) noexcept {
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = load_element<T>(bytes.data() + i * sizeof(T));
  }
}

template <class T>
void store_elements(std::span<const T> values, std::span<std::byte> bytes) noexcept {
  for (std::size_t i = 0; i < values.size(); ++i) {
    store_element(bytes.data() + i * sizeof(T), values[i]);
  }
}

/// Calls f(i, i'), where the element of a (rows, cols) matrix at i is that of its transpose at i'. In tiles, because
/// one of the two is always walked across its rows and would otherwise miss the cache at each element.
template <class F>
void for_each_transposed(std::size_t rows, std::size_t cols, F&& f) {
  constexpr std::size_t kTile = 16;  // 16 rows of 64-byte lines, of both: 2 KiB of floats
  for (std::size_t r0 = 0; r0 < rows; r0 += kTile) {
    for (std::size_t c0 = 0; c0 < cols; c0 += kTile) {
      for (std::size_t r = r0; r < std::min(rows, r0 + kTile); ++r) {
        for (std::size_t c = c0; c < std::min(cols, c0 + kTile); ++c) {
          f(r * cols + c, c * rows + r);
        }
      }
    }
  }
}

/// \param weights  (inputs, outputs)
/// \param bytes    (outputs, inputs)
template <class T>
void store_weights(std::span<const T> weights, std::size_t inputs, std::size_t outputs,
                   std::span<std::byte> bytes) noexcept {
  for_each_transposed(inputs, outputs, [&](std::size_t from, std::size_t to) {
    store_element(bytes.data() + to * sizeof(T), weights[from]);
  });
}

template <class T>
void load_weights(std::span<const std::byte> bytes, std::size_t inputs, std::size_t outputs,
                  std::span<T> weights) noexcept {
  for_each_transposed(inputs, outputs, [&](std::size_t to, std::size_t from) {
    weights[to] = load_element<T>(bytes.data() + from * sizeof(T));
  });
}

}  // namespace backpass::io

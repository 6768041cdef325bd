/// A network's numbers as the bytes of tensors: little-endian, weights (M_i, M_{i-1}) where the core stores (M_{i-1},
/// M_i).
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "io/poll.hpp"
#include "io/source.hpp"

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

/// Calls f(i, i'), where the element of a (rows, cols) matrix at i is that of its transpose at i'. In tiles, because
/// one of the two is always walked across its rows and would otherwise miss the cache at each element.
/// \param stride             from one row to the next, in elements
/// \param transposed_stride  the same of the transpose
template <class F>
void for_each_transposed(std::size_t rows, std::size_t cols, std::size_t stride, std::size_t transposed_stride, F&& f) {
  constexpr std::size_t kTile = 16;  // 16 rows of 64-byte lines, of both: 2 KiB of floats
  Poll poll;
  for (std::size_t r0 = 0; r0 < rows; r0 += kTile) {
    for (std::size_t c0 = 0; c0 < cols; c0 += kTile) {
      for (std::size_t r = r0; r < std::min(rows, r0 + kTile); ++r) {
        for (std::size_t c = c0; c < std::min(cols, c0 + kTile); ++c) {
          f(r * stride + c, c * transposed_stride + r);
        }
      }
      poll.done(kTile * kTile * sizeof(double));
    }
  }
}

/// A large tensor goes through memory in pieces of about this size.
inline constexpr std::size_t kPieceBytes = std::size_t{1} << 20U;

/// Reads and writes the numbers of a network. Holds one piece of a tensor at a time.
template <class T>
class Elements {
 public:
  /// Appends the elements, in their order.
  void write(std::span<const T> values, Sink& sink) {
    while (!values.empty()) {
      const auto piece = values.first(std::min(values.size(), kPieceBytes / sizeof(T)));
      resize(piece.size());
      for (std::size_t i = 0; i < piece.size(); ++i) {
        store_element(at(i), piece[i]);
      }
      sink.write(bytes_);
      poll_.done(bytes_.size());
      values = values.subspan(piece.size());
    }
  }

  /// \param begin  where the elements begin
  void read(Source& source, std::size_t begin, std::span<T> values) {
    while (!values.empty()) {
      const auto piece = values.first(std::min(values.size(), kPieceBytes / sizeof(T)));
      resize(piece.size());
      source.read(begin, bytes_);
      for (std::size_t i = 0; i < piece.size(); ++i) {
        piece[i] = load_element<T>(at(i));
      }
      begin += bytes_.size();
      poll_.done(bytes_.size());
      values = values.subspan(piece.size());
    }
  }

  /// \param weights  (inputs, outputs); (outputs, inputs) in the file
  void write_weights(std::span<const T> weights, std::size_t inputs, std::size_t outputs, Sink& sink) {
    for_each_piece(inputs, outputs, [&](std::size_t first, std::size_t count) {
      resize(count * inputs);
      for_each_transposed(inputs, count, outputs, inputs,
                          [&](std::size_t from, std::size_t to) { store_element(at(to), weights[first + from]); });
      sink.write(bytes_);
    });
  }

  void read_weights(Source& source, std::size_t begin, std::size_t inputs, std::size_t outputs, std::span<T> weights) {
    for_each_piece(inputs, outputs, [&](std::size_t first, std::size_t count) {
      resize(count * inputs);
      source.read(begin + first * inputs * sizeof(T), bytes_);
      for_each_transposed(inputs, count, outputs, inputs,
                          [&](std::size_t to, std::size_t from) { weights[first + to] = load_element<T>(at(from)); });
    });
  }

 private:
  [[nodiscard]] std::byte* at(std::size_t i) noexcept { return bytes_.data() + i * sizeof(T); }
  void resize(std::size_t count) { bytes_.resize(count * sizeof(T)); }

  /// Calls f(first, count) for pieces of whole rows of the file's tensor.
  template <class F>
  static void for_each_piece(std::size_t inputs, std::size_t outputs, F&& f) {
    const std::size_t rows = std::max(kPieceBytes / sizeof(T) / inputs, std::size_t{1});
    for (std::size_t first = 0; first < outputs; first += rows) {
      f(first, std::min(rows, outputs - first));
    }
  }

  std::vector<std::byte> bytes_;
  Poll poll_;
};

}  // namespace backpass::io

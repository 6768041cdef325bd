/// The parameters of a network as the bytes of tensors. A file is little-endian and contains weights as (M_i, M_{i-1}).
/// The library stores them as (M_{i-1}, M_i).
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

// The rest of the library does not depend on the order of bytes: kernels take words apart with shifts, and the length
// of a file's header is read byte by byte.
static_assert(std::endian::native == std::endian::little || std::endian::native == std::endian::big,
              "backpass reads and writes files on little-endian and big-endian processors only");

/// \param at  sizeof(T) little-endian bytes of any alignment
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

/// Calls f(i, i') for every element of a (rows, cols) matrix: i is the element's index in the matrix, i' its index in
/// the transpose. Works in tiles, because one of the two matrices is traversed across its rows: without tiles, each
/// element would be a cache miss.
/// \param stride             row stride of the matrix, in elements
/// \param transposed_stride  row stride of the transpose, in elements
template <class F>
void for_each_transposed(std::size_t rows, std::size_t cols, std::size_t stride, std::size_t transposed_stride, F&& f) {
  constexpr std::size_t kTile = 16;  // a row of 16 floats is one 64-byte line; both tiles together are 2 KiB of floats
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

/// Large tensors are read and written in pieces of about this size: 1 MiB, which fits the second-level cache.
inline constexpr std::size_t kPieceBytes = std::size_t{1} << 20U;

/// Reads and writes the parameters of a network. Keeps only one piece of a tensor in memory.
template <class T>
class Elements {
 public:
  /// Appends the elements to the sink, in order.
  /// \param values  (n), any number of elements
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

  /// \param begin   first byte of the elements in the source
  /// \param values  (n), receives n elements
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

  /// \param weights  (inputs, outputs) in memory, (outputs, inputs) in the file
  void write_weights(std::span<const T> weights, std::size_t inputs, std::size_t outputs, Sink& sink) {
    for_each_piece(inputs, outputs, [&](std::size_t first, std::size_t count) {
      resize(count * inputs);
      for_each_transposed(inputs, count, outputs, inputs,
                          [&](std::size_t from, std::size_t to) { store_element(at(to), weights[first + from]); });
      sink.write(bytes_);
    });
  }

  /// \param begin    first byte of the tensor in the source
  /// \param weights  (inputs, outputs) in memory, (outputs, inputs) in the file
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

  /// Calls f(first, count) for pieces of whole rows of the tensor in the file.
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

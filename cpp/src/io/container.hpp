/// The safetensors container: named tensors and a string-to-string map, as bytes. It does not depend on networks.
///
///   8 bytes   header length n, little-endian
///   n bytes   JSON: {"__metadata__": {string: string}, name: {"dtype", "shape", "data_offsets": [begin, end]}, …}
///   the rest  the tensors' elements, row-major and little-endian, without gaps
///
/// The writer pads the header with spaces so that the data is 8-byte aligned in the file.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "io/source.hpp"

namespace backpass::io {

/// The extents of a tensor. The capacity is fixed, so that a header with a million tensors does not need a million
/// allocations. It is far above the rank of any tensor of a network.
class Shape {
 public:
  static constexpr std::size_t kMaxRank = 5;
  Shape() noexcept = default;
  Shape(std::initializer_list<std::size_t> extents) {
    for (std::size_t extent : extents) {
      push_back(extent);
    }
  }
  /// \returns false if the shape is full
  bool push_back(std::size_t extent) noexcept {
    if (rank_ == kMaxRank) {
      return false;
    }
    extents_[rank_++] = extent;
    return true;
  }
  [[nodiscard]] const std::size_t* begin() const noexcept { return extents_.data(); }
  [[nodiscard]] const std::size_t* end() const noexcept { return extents_.data() + rank_; }
  [[nodiscard]] std::span<const std::size_t> extents() const noexcept { return {extents_.data(), rank_}; }
  friend bool operator==(const Shape& a, const Shape& b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  std::array<std::size_t, kMaxRank> extents_{};
  std::uint8_t rank_ = 0;
};

/// An element type: its name in the header and its size in bytes.
struct ElementType {
  std::string_view name;
  std::size_t size = 0;
};
template <class T>
inline constexpr ElementType kElementType = sizeof(T) == sizeof(float) ? ElementType{"F32", 4} : ElementType{"F64", 8};

using Metadata = std::map<std::string, std::string>;
/// The most entries that can be read and written. The limit bounds memory: a map of short entries takes more memory
/// than their text.
inline constexpr std::size_t kMostMetadata = 8192;

/// A tensor in a file.
struct Tensor {
  std::string name;
  ElementType type;
  Shape shape;
  std::size_t begin = 0;  ///< first byte, counted from the start of the file
  std::size_t end = 0;    ///< one past the last byte
};

/// The header of a container, without the elements of the tensors. All its entries are consistent with each other.
class Container {
 public:
  /// \throws FileError; FormatError if the file violates the format
  static Container parse(Source& source);

  [[nodiscard]] const Metadata& metadata() const noexcept { return metadata_; }
  [[nodiscard]] Metadata& metadata() noexcept { return metadata_; }
  /// Sorted by name.
  [[nodiscard]] const std::deque<Tensor>& tensors() const noexcept { return tensors_; }
  /// Null if there is no tensor of that name.
  [[nodiscard]] const Tensor* find(std::string_view name) const noexcept;

 private:
  Metadata metadata_;
  std::deque<Tensor> tensors_;
};

/// The header entry of a tensor to write.
struct TensorEntry {
  std::string name;
  ElementType type;
  Shape shape;
};

/// The start of a file, up to the elements of the tensors. The elements must follow in the order of the entries.
struct ContainerStart {
  std::string bytes;
  std::size_t file_size = 0;  ///< of the whole file, in bytes
};

/// \throws std::invalid_argument if the metadata is not UTF-8 or has too many entries, or if the header or the file
///         would be too long
[[nodiscard]] ContainerStart start_container(const Metadata& metadata, std::span<const TensorEntry> entries);

}  // namespace backpass::io

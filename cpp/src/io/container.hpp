/// The safetensors container: named tensors and a string-to-string map, as bytes. Knows nothing of networks.
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

/// A tensor's extents. Fixed capacity, so that a header of a million tensors costs no million allocations; the limit
/// is far above what any network here has.
class Shape {
 public:
  static constexpr std::size_t kMaxRank = 5;
  Shape() noexcept = default;
  Shape(std::initializer_list<std::size_t> extents) {
    for (std::size_t extent : extents) {
      push_back(extent);
    }
  }
  /// \returns false when full
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

/// An element type as the header spells it, and its size in bytes.
struct ElementType {
  std::string_view name;
  std::size_t size = 0;
};
template <class T>
inline constexpr ElementType kElementType = sizeof(T) == sizeof(float) ? ElementType{"F32", 4} : ElementType{"F64", 8};

using Metadata = std::map<std::string, std::string>;
/// A map takes more memory than the text of short entries: in a file, and to be written.
inline constexpr std::size_t kMostMetadata = 8192;

/// A tensor of a container that was read.
struct Tensor {
  std::string name;
  ElementType type;
  Shape shape;
  std::size_t begin = 0;  ///< bytes, from the start of the file
  std::size_t end = 0;
};

/// A container that was read, but for the elements: everything in it is consistent with everything else.
class Container {
 public:
  /// \throws FileError; FormatError for anything the format does not allow
  static Container parse(Source& source);

  [[nodiscard]] const Metadata& metadata() const noexcept { return metadata_; }
  [[nodiscard]] Metadata& metadata() noexcept { return metadata_; }
  /// Sorted by name.
  [[nodiscard]] const std::deque<Tensor>& tensors() const noexcept { return tensors_; }
  /// Null when there is none of that name.
  [[nodiscard]] const Tensor* find(std::string_view name) const noexcept;

 private:
  Metadata metadata_;
  std::deque<Tensor> tensors_;
};

/// What a file says of a tensor that is to be written.
struct TensorEntry {
  std::string name;
  ElementType type;
  Shape shape;
};

/// All that a file has before its tensors' elements, which follow in the entries' order, and the size of the whole
/// file.
struct ContainerStart {
  std::string bytes;
  std::size_t file_size = 0;
};

/// \throws std::invalid_argument when the metadata are not UTF-8 or too many, or the header would be longer than
/// readers accept
[[nodiscard]] ContainerStart start_container(const Metadata& metadata, std::span<const TensorEntry> entries);

}  // namespace backpass::io

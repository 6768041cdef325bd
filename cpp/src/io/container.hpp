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
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace backpass::io {

/// A tensor's extents. Fixed capacity, so that a header of a million tensors costs no million allocations; the limit
/// is far above what any network here has.
class Shape {
 public:
  static constexpr std::size_t kMaxRank = 8;
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

/// A tensor of a container that was read. `bytes` points into the container's bytes, at no particular alignment.
struct Tensor {
  std::string name;
  ElementType type;
  Shape shape;
  std::span<const std::byte> bytes;
};

/// A container that was read: everything in it is consistent with everything else.
class Container {
 public:
  /// \param bytes  must outlive the container
  /// \throws FormatError for anything the format does not allow
  static Container parse(std::span<const std::byte> bytes);
  /// What can be told from the first 8 bytes (fewer only if the file is shorter) before the rest is read: is this
  /// plausibly such a file? \throws FormatError if not
  static void check_start(std::span<const std::byte> start, std::uint64_t file_size);

  [[nodiscard]] const Metadata& metadata() const noexcept { return metadata_; }
  [[nodiscard]] Metadata& metadata() noexcept { return metadata_; }
  /// Sorted by name.
  [[nodiscard]] std::span<const Tensor> tensors() const noexcept { return tensors_; }
  /// Null when there is none of that name.
  [[nodiscard]] const Tensor* find(std::string_view name) const noexcept;

 private:
  Metadata metadata_;
  std::vector<Tensor> tensors_;
};

/// A container being written: made with everything but the elements, which are then filled in place.
class ContainerWriter {
 public:
  struct Entry {
    std::string name;
    ElementType type;
    Shape shape;
  };
  /// \throws std::invalid_argument when the metadata are not UTF-8, or the header would be longer than readers accept
  ContainerWriter(const Metadata& metadata, std::span<const Entry> entries);
  /// Where tensor i's elements go; zero bytes until written.
  [[nodiscard]] std::span<std::byte> data(std::size_t i) {
    return std::span(bytes_).subspan(begins_[i], begins_[i + 1] - begins_[i]);
  }
  /// The finished file.
  [[nodiscard]] std::vector<std::byte> take() && { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
  std::vector<std::size_t> begins_;  ///< of each tensor in bytes_, and the end
};

}  // namespace backpass::io

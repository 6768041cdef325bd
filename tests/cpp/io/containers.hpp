/// Converts containers to bytes and back.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "io/container.hpp"

namespace backpass::test {

using Bytes = std::vector<std::byte>;

inline io::Container parse_container(std::span<const std::byte> bytes) {
  io::MemorySource source(bytes);
  return io::Container::parse(source);
}

/// \param data  the data of each tensor; truncated or filled with zeros if its size differs from the tensor's
inline Bytes make_container(const io::Metadata& metadata, std::span<const io::TensorEntry> entries,
                            std::span<const Bytes> data) {
  const io::ContainerStart start = io::start_container(metadata, entries);
  const auto head = std::as_bytes(std::span(start.bytes));
  Bytes bytes(head.begin(), head.end());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    std::size_t size = entries[i].type.size;
    for (const std::size_t extent : entries[i].shape) {
      size *= extent;
    }
    Bytes own = i < data.size() ? data[i] : Bytes{};
    own.resize(size);
    bytes.insert(bytes.end(), own.begin(), own.end());
  }
  return bytes;
}

inline std::span<const std::byte> bytes_of(const io::Tensor& tensor, std::span<const std::byte> file) {
  return file.subspan(tensor.begin, tensor.end - tensor.begin);
}

}  // namespace backpass::test

#include "io/container.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include <backpass/error.hpp>

#include "base/checked.hpp"
#include "io/container_header.hpp"
#include "io/text.hpp"

namespace backpass::io {
namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeader = 100'000'000;  // the limit of the safetensors reference implementation
constexpr std::size_t kAlignment = 8;

/// Every element type of the format whose elements are whole bytes.
constexpr ElementType kElementTypes[] = {
    {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"I16", 2}, {"U16", 2}, {"F16", 2},
    {"BF16", 2}, {"I32", 4}, {"U32", 4}, {"F32", 4},     {"F64", 8},     {"I64", 8}, {"U64", 8}, {"C64", 8},
};

ElementType element_type(const HeaderEntry& entry) {
  for (const ElementType& type : kElementTypes) {
    if (type.name == entry.type) {
      return type;
    }
  }
  throw FormatError("tensor " + in_quotes(entry.name) + " has the unknown element type " + in_quotes(entry.type));
}

std::uint64_t read_length(std::span<const std::byte> start) {
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length |= std::to_integer<std::uint64_t>(start[i]) << (8 * i);
  }
  return length;
}

std::optional<std::size_t> byte_size(const Shape& shape, ElementType type) {
  const std::optional<std::size_t> count = checked_product(shape.extents());
  return count ? checked_mul(*count, type.size) : std::nullopt;
}

std::span<const std::byte> elements(const HeaderEntry& entry, ElementType type, std::span<const std::byte> data) {
  const std::string name = "tensor " + in_quotes(entry.name);
  if (entry.begin > entry.end || entry.end > data.size()) {
    throw FormatError(name + " claims the bytes " + std::to_string(entry.begin) + " to " + std::to_string(entry.end) +
                      " of " + std::to_string(data.size()) + " bytes of data");
  }
  const std::optional<std::size_t> size = byte_size(entry.shape, type);
  if (!size || *size != entry.end - entry.begin) {
    throw FormatError(name + " of shape " + shape_text(entry.shape) + " and element type " + std::string(type.name) +
                      " does not take the " + std::to_string(entry.end - entry.begin) + " bytes it claims");
  }
  return data.subspan(entry.begin, *size);
}

/// No gap, no overlap, no byte left over: nothing can hide in a file, and its size is the sum of its parts.
void check_cover(std::vector<HeaderEntry>& entries, std::size_t data_size) {
  std::sort(entries.begin(), entries.end(), [](const HeaderEntry& a, const HeaderEntry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::size_t end = 0;
  for (const HeaderEntry& entry : entries) {
    if (entry.begin != end) {
      throw FormatError("tensor " + in_quotes(entry.name) + " begins at byte " + std::to_string(entry.begin) +
                        " of the data; the one before it ends at " + std::to_string(end));
    }
    end = entry.end;
  }
  if (end != data_size) {
    throw FormatError("the tensors take " + std::to_string(end) + " bytes, but the file has " +
                      std::to_string(data_size) + " bytes of data");
  }
}

std::string metadata_text(const Metadata& metadata) {
  try {
    return nlohmann::json(metadata).dump();
  } catch (const nlohmann::json::type_error&) {
    throw std::invalid_argument("metadata must be UTF-8: JSON has no other text");
  }
}

}  // namespace

void Container::check_start(std::span<const std::byte> start, std::uint64_t file_size) {
  if (file_size < kLengthBytes || start.size() < kLengthBytes) {
    throw FormatError("not a safetensors file: " + std::to_string(file_size) + " bytes are too few");
  }
  const std::uint64_t length = read_length(start);
  if (length > kMaxHeader || length > file_size - kLengthBytes) {
    throw FormatError("not a safetensors file, or cut short: it claims a header of " + std::to_string(length) +
                      " bytes and has " + std::to_string(file_size) + " bytes in all (the longest header allowed is " +
                      std::to_string(kMaxHeader) + ")");
  }
}

Container Container::parse(std::span<const std::byte> bytes) {
  check_start(bytes.first(std::min(bytes.size(), kLengthBytes)), bytes.size());
  const auto length = static_cast<std::size_t>(read_length(bytes));
  const auto data = bytes.subspan(kLengthBytes + length);

  Header header =
      parse_header({reinterpret_cast<const char*>(bytes.data() + kLengthBytes), length});  // NOLINT: bytes are text
  check_cover(header.entries, data.size());

  Container container;
  container.metadata_ = std::move(header.metadata);
  container.tensors_.reserve(header.entries.size());
  for (HeaderEntry& entry : header.entries) {
    const ElementType type = element_type(entry);
    const auto own = elements(entry, type, data);
    container.tensors_.push_back({std::move(entry.name), type, entry.shape, own});
  }
  auto& tensors = container.tensors_;
  std::sort(tensors.begin(), tensors.end(), [](const Tensor& a, const Tensor& b) { return a.name < b.name; });
  const auto twin = std::adjacent_find(tensors.begin(), tensors.end(),
                                       [](const Tensor& a, const Tensor& b) { return a.name == b.name; });
  if (twin != tensors.end()) {
    throw FormatError("tensor " + in_quotes(twin->name) + " occurs twice");
  }
  return container;
}

const Tensor* Container::find(std::string_view name) const noexcept {
  const auto found = std::lower_bound(tensors_.begin(), tensors_.end(), name,
                                      [](const Tensor& tensor, std::string_view key) { return tensor.name < key; });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

ContainerWriter::ContainerWriter(const Metadata& metadata, std::span<const Entry> entries) {
  using nlohmann::json;
  std::string header = "{\"__metadata__\":" + metadata_text(metadata);
  std::size_t end = 0;
  for (const Entry& entry : entries) {
    const std::size_t begin = end;
    begins_.push_back(begin);
    const std::optional<std::size_t> size = byte_size(entry.shape, entry.type);
    const std::optional<std::size_t> next = size ? checked_add(begin, *size) : std::nullopt;
    if (!next) {
      throw std::invalid_argument("tensor " + in_quotes(entry.name) + " makes the file larger than an address can be");
    }
    end = *next;
    header += "," + json(entry.name).dump() + ":" +
              json{{"dtype", entry.type.name}, {"shape", entry.shape.extents()}, {"data_offsets", {begin, end}}}.dump();
  }
  header += '}';
  header.resize((header.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  if (header.size() > kMaxHeader) {
    throw std::invalid_argument("a header of " + std::to_string(header.size()) + " bytes; readers accept " +
                                std::to_string(kMaxHeader));
  }

  const std::size_t data_begin = kLengthBytes + header.size();
  bytes_.resize(data_begin + end);
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    bytes_[i] = static_cast<std::byte>(header.size() >> (8 * i));
  }
  std::memcpy(bytes_.data() + kLengthBytes, header.data(), header.size());
  begins_.push_back(end);
  for (std::size_t& begin : begins_) {
    begin += data_begin;
  }
}

}  // namespace backpass::io

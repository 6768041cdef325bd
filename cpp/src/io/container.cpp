#include "io/container.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

#include <backpass/error.hpp>

#include "base/checked.hpp"
#include "base/text.hpp"
#include "io/container_header.hpp"
#include "io/json_writer.hpp"
#include "io/text.hpp"

namespace backpass::io {
namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeader = 100'000'000;  // the limit of the safetensors reference implementation
constexpr std::size_t kAlignment = 8;

/// Reads the length of the header and checks it against the size of the file.
std::size_t read_length(Source& source) {
  const std::uint64_t file_size = source.size();
  if (file_size < kLengthBytes) {
    throw FormatError("not a safetensors file: " + std::to_string(file_size) + " bytes are too few");
  }
  std::byte bytes[kLengthBytes];
  source.read(0, bytes);
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  }
  if (length > kMaxHeader || length > file_size - kLengthBytes) {
    throw FormatError("not a safetensors file, or truncated: the header length is " + std::to_string(length) +
                      " bytes, but the file has " + std::to_string(file_size) + " bytes (a header may have at most " +
                      std::to_string(kMaxHeader) + " bytes)");
  }
  return length;
}

std::optional<std::size_t> byte_size(const Shape& shape, ElementType type) {
  const std::optional<std::size_t> count = checked_product(shape.extents());
  return count ? checked_mul(*count, type.size) : std::nullopt;
}

void check_bytes(const Tensor& tensor, std::size_t data_size) {
  const auto name = [&] { return "tensor " + in_quotes(tensor.name); };
  if (tensor.begin > tensor.end || tensor.end > data_size) {
    throw FormatError(name() + " has the invalid byte range " + std::to_string(tensor.begin) + " to " +
                      std::to_string(tensor.end) + " in " + std::to_string(data_size) + " bytes of data");
  }
  if (byte_size(tensor.shape, tensor.type) != tensor.end - tensor.begin) {
    throw FormatError(name() + " of shape " + shape_text(tensor.shape) + " and element type " +
                      std::string(tensor.type.name) + " does not fit its byte range of " +
                      std::to_string(tensor.end - tensor.begin) + " bytes");
  }
}

/// Sorts tensors. Polls, because there may be millions of them.
template <class Less>
void sort(std::deque<Tensor>& tensors, Less less) {
  Poll poll;
  std::sort(tensors.begin(), tensors.end(), [&](const Tensor& a, const Tensor& b) {
    poll.done(sizeof(Tensor));
    return less(a, b);
  });
}

/// Checks that the tensors cover the data without gaps, overlaps and unused bytes. So a file cannot contain hidden
/// data.
void check_cover(std::deque<Tensor>& tensors, std::size_t data_size) {
  sort(tensors,
       [](const Tensor& a, const Tensor& b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
  std::size_t end = 0;
  Poll poll;
  for (const Tensor& tensor : tensors) {
    if (tensor.begin != end) {
      throw FormatError("tensor " + in_quotes(tensor.name) + " begins at byte " + std::to_string(tensor.begin) +
                        " of the data, but the previous tensor ends at " + std::to_string(end));
    }
    check_bytes(tensor, data_size);
    end = tensor.end;
    poll.done(sizeof(Tensor));
  }
  if (end != data_size) {
    throw FormatError("the tensors take " + std::to_string(end) + " bytes, but the file has " +
                      std::to_string(data_size) + " bytes of data");
  }
}

void check_names(std::deque<Tensor>& tensors) {
  sort(tensors, [](const Tensor& a, const Tensor& b) { return a.name < b.name; });
  const auto twin = std::adjacent_find(tensors.begin(), tensors.end(),
                                       [](const Tensor& a, const Tensor& b) { return a.name == b.name; });
  if (twin != tensors.end()) {
    throw FormatError("tensor " + in_quotes(twin->name) + " occurs twice");
  }
}

std::string metadata_text(const Metadata& metadata) {
  if (metadata.size() > kMostMetadata) {
    throw std::invalid_argument("the metadata has " + std::to_string(metadata.size()) + " entries; the limit is " +
                                std::to_string(kMostMetadata));
  }
  std::string text = "{";
  for (const auto& [key, value] : metadata) {
    text += text.size() == 1 ? "" : ",";
    text += json_string(key, "metadata") + ':';
    text += json_string(value, "metadata");
  }
  return text += '}';
}

std::string pair_text(std::size_t a, std::size_t b) { return '[' + std::to_string(a) + ',' + std::to_string(b) + ']'; }

}  // namespace

Container Container::parse(Source& source) {
  const std::size_t length = read_length(source);
  const std::size_t data_begin = kLengthBytes + length;
  Container container;
  {
    std::string text(length, '\0');
    source.read(kLengthBytes, std::as_writable_bytes(std::span(text)));
    Header header = parse_header(text);
    container.metadata_ = std::move(header.metadata);
    container.tensors_ = std::move(header.tensors);
  }
  check_cover(container.tensors_, static_cast<std::size_t>(source.size()) - data_begin);
  check_names(container.tensors_);
  for (Tensor& tensor : container.tensors_) {
    tensor.begin += data_begin;
    tensor.end += data_begin;
  }
  return container;
}

const Tensor* Container::find(std::string_view name) const noexcept {
  const auto found = std::lower_bound(tensors_.begin(), tensors_.end(), name,
                                      [](const Tensor& tensor, std::string_view key) { return tensor.name < key; });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

ContainerStart start_container(const Metadata& metadata, std::span<const TensorEntry> entries) {
  ContainerStart result;
  std::string& bytes = result.bytes;
  bytes.resize(kLengthBytes);
  bytes += "{\"__metadata__\":" + metadata_text(metadata);
  std::size_t end = 0;
  Poll poll;
  for (const TensorEntry& entry : entries) {
    const std::size_t begin = end;
    const std::optional<std::size_t> size = byte_size(entry.shape, entry.type);
    const std::optional<std::size_t> next = size ? checked_add(begin, *size) : std::nullopt;
    if (!next) {
      throw std::invalid_argument("tensor " + in_quotes(entry.name) + " makes the file too large to address");
    }
    end = *next;
    ListWriter shape;
    for (const std::size_t extent : entry.shape) {
      shape.add(std::to_string(extent));
    }
    ObjectWriter object;
    object.set("dtype", '"' + std::string(entry.type.name) + '"');
    object.set("shape", std::move(shape).text());
    object.set("data_offsets", pair_text(begin, end));
    bytes += ',' + json_string(entry.name, "a tensor's name") + ':' + object.text();
    poll.done(sizeof(Tensor));
  }
  bytes += '}';
  bytes.resize((bytes.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  const std::size_t length = bytes.size() - kLengthBytes;
  if (length > kMaxHeader) {
    throw std::invalid_argument("the header has " + std::to_string(length) + " bytes, but readers accept at most " +
                                std::to_string(kMaxHeader));
  }
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    bytes[i] = static_cast<char>(static_cast<unsigned char>(length >> (8 * i)));
  }
  const std::optional<std::size_t> file_size = checked_add(bytes.size(), end);
  if (!file_size) {
    throw std::invalid_argument("the file would be too large to address");
  }
  result.file_size = *file_size;
  return result;
}

}  // namespace backpass::io

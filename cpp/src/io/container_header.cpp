#include "io/container_header.hpp"

#include <cstdint>
#include <utility>

#include <backpass/error.hpp>

#include "io/json_events.hpp"
#include "io/text.hpp"

namespace backpass::io {
namespace {

/// All element types of the format whose size is a whole number of bytes.
constexpr ElementType kElementTypes[] = {
    {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"I16", 2}, {"U16", 2}, {"F16", 2},
    {"BF16", 2}, {"I32", 4}, {"U32", 4}, {"F32", 4},     {"F64", 8},     {"I64", 8}, {"U64", 8}, {"C64", 8},
};

/// Receives the events of the parser and keeps only what the safetensors grammar allows. It does not build a tree,
/// because the text is untrusted: memory grows only with the tensors and the metadata, and nesting that is deeper than
/// the grammar allows fails at its first bracket.
class HeaderReader final : public JsonEvents {
 public:
  explicit HeaderReader(Header& header) : header_(header) {}

  void null() override { refuse("null"); }
  void boolean(bool /*value*/) override { refuse("a boolean"); }
  void integer(std::int64_t /*value*/) override { refuse("a negative number"); }
  void real(double /*value*/) override { refuse("a number that is not a size"); }

  void count(std::uint64_t value) override {
    if (place_ == Place::shape_items) {
      if (!tensor().shape.push_back(value)) {
        fail("has more than " + std::to_string(Shape::kMaxRank) + " dimensions");
      }
    } else if (place_ == Place::offset_items && offsets_ < 2) {
      (offsets_++ == 0 ? tensor().begin : tensor().end) = value;
    } else {
      refuse("a number");
    }
  }

  void text(std::string value) override {
    if (place_ == Place::metadata_value) {
      *metadata_value_ = std::move(value);
      place_ = Place::metadata;
    } else if (place_ == Place::type) {
      set_type(value);
      place_ = Place::tensor;
    } else {
      refuse("a string");
    }
  }

  void key(std::string name) override {
    if (place_ == Place::top) {
      if (name == "__metadata__") {
        once(metadata_seen_, "__metadata__");
        place_ = Place::metadata_begin;
      } else {
        header_.tensors.emplace_back().name = std::move(name);
        place_ = Place::tensor_begin;
      }
    } else if (place_ == Place::metadata) {
      if (header_.metadata.size() == kMostMetadata) {
        throw FormatError("the metadata has more than " + std::to_string(kMostMetadata) + " entries");
      }
      const auto [position, is_new] = header_.metadata.try_emplace(std::move(name));
      if (!is_new) {
        throw FormatError("the metadata key " + in_quotes(position->first) + " occurs twice");
      }
      metadata_value_ = &position->second;
      place_ = Place::metadata_value;
    } else {  // the parser calls key() only inside an object: this must be the object of a tensor
      if (name == "dtype") {
        once(type_seen_, "dtype");
        place_ = Place::type;
      } else if (name == "shape") {
        once(shape_seen_, "shape");
        place_ = Place::shape;
      } else if (name == "data_offsets") {
        once(offsets_seen_, "data_offsets");
        place_ = Place::offsets;
      } else {
        fail("has the unknown field " + in_quotes(name));
      }
    }
  }

  void begin_object() override {
    if (place_ == Place::start) {
      place_ = Place::top;
    } else if (place_ == Place::metadata_begin) {
      place_ = Place::metadata;
    } else if (place_ == Place::tensor_begin) {
      type_seen_ = shape_seen_ = offsets_seen_ = false;
      offsets_ = 0;
      place_ = Place::tensor;
    } else {
      refuse("an object");
    }
  }

  void end_object() override {
    if (place_ == Place::tensor && !(type_seen_ && shape_seen_ && offsets_seen_)) {
      fail("lacks dtype, shape or data_offsets");
    }
    place_ = place_ == Place::top ? Place::finished : Place::top;
  }

  void begin_list() override {
    if (place_ == Place::shape) {
      place_ = Place::shape_items;
    } else if (place_ == Place::offsets) {
      place_ = Place::offset_items;
    } else {
      refuse("a list");
    }
  }

  void end_list() override {
    if (place_ == Place::offset_items && offsets_ != 2) {
      fail("has data_offsets that are not two numbers");
    }
    place_ = Place::tensor;
  }

 private:
  enum class Place : std::uint8_t {
    start,
    top,
    metadata_begin,
    metadata,
    metadata_value,
    tensor_begin,
    tensor,
    type,
    shape,
    shape_items,
    offsets,
    offset_items,
    finished,
  };

  Tensor& tensor() { return header_.tensors.back(); }

  void set_type(const std::string& name) {
    for (const ElementType& type : kElementTypes) {
      if (type.name == name) {
        tensor().type = type;
        return;
      }
    }
    fail("has the unknown element type " + in_quotes(name));
  }

  [[noreturn]] void fail(const std::string& what) {
    throw FormatError("tensor " + in_quotes(tensor().name) + " " + what);
  }

  [[noreturn]] void refuse(const char* what) {
    throw FormatError(std::string("the header has ") + what + " where the safetensors format requires something else" +
                      (header_.tensors.empty() ? "" : ", in or after tensor " + in_quotes(tensor().name)));
  }

  void once(bool& seen, const char* name) {
    if (std::exchange(seen, true)) {
      throw FormatError(std::string("the header has ") + name + " twice in one object");
    }
  }

  Header& header_;
  Place place_ = Place::start;
  std::string* metadata_value_ = nullptr;
  unsigned offsets_ = 0;
  bool metadata_seen_ = false;
  bool type_seen_ = false;
  bool shape_seen_ = false;
  bool offsets_seen_ = false;
};

}  // namespace

Header parse_header(std::string_view text) {
  if (text.empty() || text.front() != '{') {  // the format requires the brace as the first character
    throw FormatError("not a safetensors file: its header does not begin with a brace");
  }
  Header header;
  HeaderReader reader(header);
  parse_events(text, "the header", reader);
  return header;
}

}  // namespace backpass::io

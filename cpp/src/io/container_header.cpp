#include "io/container_header.hpp"

#include <cstdint>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include <backpass/error.hpp>

#include "io/text.hpp"

namespace backpass::io {
namespace {

/// Receives the parser's events and keeps only what the grammar asks for, so that no tree is built of a text that
/// nobody has vouched for: memory follows the tensors, and nesting beyond the grammar ends at its first bracket.
class HeaderReader {
 public:
  explicit HeaderReader(Header& header) : header_(header) {}

  // The names of nlohmann's SAX interface. Returning true asks for the next event.
  bool null() { return refuse("null"); }
  bool boolean(bool /*value*/) { return refuse("a boolean"); }
  bool number_integer(std::int64_t /*value*/) { return refuse("a negative number"); }
  bool number_float(double /*value*/, const std::string& /*text*/) { return refuse("a number that is no size"); }
  bool binary(std::vector<std::uint8_t>& /*value*/) { return refuse("binary data"); }

  bool number_unsigned(std::uint64_t value) {
    if (value > std::numeric_limits<std::size_t>::max()) {
      return refuse("a number beyond this machine's addresses");
    }
    const auto size = static_cast<std::size_t>(value);
    if (place_ == Place::shape_items) {
      if (!entry().shape.push_back(size)) {
        fail("has more than " + std::to_string(Shape::kMaxRank) + " dimensions");
      }
    } else if (place_ == Place::offset_items && offsets_ < 2) {
      (offsets_++ == 0 ? entry().begin : entry().end) = size;
    } else {
      return refuse("a number");
    }
    return true;
  }

  bool string(std::string& value) {
    if (place_ == Place::metadata_value) {
      *metadata_value_ = std::move(value);
      place_ = Place::metadata;
    } else if (place_ == Place::type) {
      entry().type = std::move(value);
      place_ = Place::tensor;
    } else {
      return refuse("a string");
    }
    return true;
  }

  bool key(std::string& name) {
    if (place_ == Place::top) {
      if (name == "__metadata__") {
        once(metadata_seen_, "__metadata__");
        place_ = Place::metadata_begin;
      } else {
        header_.entries.emplace_back().name = std::move(name);
        place_ = Place::tensor_begin;
      }
    } else if (place_ == Place::metadata) {
      const auto [position, is_new] = header_.metadata.try_emplace(std::move(name));
      if (!is_new) {
        throw FormatError("the metadata " + in_quotes(position->first) + " occur twice");
      }
      metadata_value_ = &position->second;
      place_ = Place::metadata_value;
    } else {  // a parser calls key() only inside an object, and the one left is a tensor's
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
    return true;
  }

  bool start_object(std::size_t /*size*/) {
    if (place_ == Place::start) {
      place_ = Place::top;
    } else if (place_ == Place::metadata_begin) {
      place_ = Place::metadata;
    } else if (place_ == Place::tensor_begin) {
      type_seen_ = shape_seen_ = offsets_seen_ = false;
      offsets_ = 0;
      place_ = Place::tensor;
    } else {
      return refuse("an object");
    }
    return true;
  }

  bool end_object() {
    if (place_ == Place::tensor && !(type_seen_ && shape_seen_ && offsets_seen_)) {
      fail("lacks one of dtype, shape and data_offsets");
    }
    place_ = place_ == Place::top ? Place::finished : Place::top;
    return true;
  }

  bool start_array(std::size_t /*size*/) {
    if (place_ == Place::shape) {
      place_ = Place::shape_items;
    } else if (place_ == Place::offsets) {
      place_ = Place::offset_items;
    } else {
      return refuse("a list");
    }
    return true;
  }

  bool end_array() {
    if (place_ == Place::offset_items && offsets_ != 2) {
      fail("has data_offsets that are not two numbers");
    }
    place_ = Place::tensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string& /*token*/, const nlohmann::json::exception& /*error*/) {
    throw FormatError("the header is no valid JSON at byte " + std::to_string(position));
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

  HeaderEntry& entry() { return header_.entries.back(); }

  [[noreturn]] void fail(const std::string& what) {
    throw FormatError("tensor " + in_quotes(entry().name) + " " + what);
  }

  [[noreturn]] bool refuse(const char* what) {
    throw FormatError(std::string("the header has ") + what + " where the safetensors format has something else" +
                      (header_.entries.empty() ? "" : ", in or after tensor " + in_quotes(entry().name)));
  }

  void once(bool& seen, const char* name) {
    if (std::exchange(seen, true)) {
      throw FormatError(std::string("the header has ") + name + " twice in one place");
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
  // The format demands the brace first. The parser takes a zero byte for the text's end, and whatever comes after it
  // would go unseen.
  if (text.empty() || text.front() != '{') {
    throw FormatError("not a safetensors file: its header does not begin with a brace");
  }
  if (text.find('\0') != std::string_view::npos) {
    throw FormatError("the header has a zero byte");
  }
  Header header;
  HeaderReader reader(header);
  nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
  return header;
}

}  // namespace backpass::io

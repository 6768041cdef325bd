#include "io/json.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include <backpass/error.hpp>

#include "io/text.hpp"

namespace backpass::io {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Watches a text being parsed, and ends it when it asks for too much.
class Guard {
 public:
  Guard(const std::string& what, std::size_t max_items) : what_(what), items_left_(max_items) {}

  bool operator()(int /*depth*/, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    if (event == Event::object_end || event == Event::array_end) {
      keys_.pop_back();
      return true;
    }
    if (items_left_-- == 0) {
      throw FormatError(what_ + " has more entries than the file has tensors to describe");
    }
    if (event == Event::object_start || event == Event::array_start) {
      if (keys_.size() == kMaxJsonDepth) {
        throw FormatError(what_ + " is nested more than " + std::to_string(kMaxJsonDepth) + " deep");
      }
      keys_.emplace_back();
    } else if (event == Event::key && !keys_.back().insert(parsed.get_ref<const std::string&>()).second) {
      throw FormatError(what_ + " has " + in_quotes(parsed.get_ref<const std::string&>()) + " twice in one place");
    }
    return true;
  }

 private:
  const std::string& what_;
  std::size_t items_left_;
  std::vector<std::set<std::string>> keys_;  ///< seen so far, of every object (or list) that is open
};

}  // namespace

Json parse_json(std::string_view text, const std::string& what, std::size_t max_items) {
  if (text.find('\0') != std::string_view::npos) {  // the parser would take it for the end, see parse_header
    throw FormatError(what + " has a zero byte");
  }
  try {
    return Json::parse(text.begin(), text.end(), Guard(what, max_items));
  } catch (const Json::parse_error& error) {
    throw FormatError(what + " is no valid JSON at byte " + std::to_string(error.byte));
  } catch (const Json::exception&) {  // a number beyond the range of double
    throw FormatError(what + " is no valid JSON");
  }
}

Json number_to_json(double value) {
  if (std::isfinite(value)) {
    return value;
  }
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

double to_number(const Json& value, const std::string& what) {
  if (value.is_number()) {
    return value.get<double>();
  }
  if (value == "inf" || value == "-inf") {
    return value == "inf" ? kInfinity : -kInfinity;
  }
  if (value == "nan") {
    return std::numeric_limits<double>::quiet_NaN();
  }
  throw FormatError(what + " is no number");
}

std::uint64_t to_count(const Json& value, const std::string& what) {
  if (!value.is_number_unsigned()) {
    throw FormatError(what + " is no integer, or a negative one");
  }
  return value.get<std::uint64_t>();
}

std::int64_t to_integer(const Json& value, const std::string& what) {
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() || std::in_range<std::int64_t>(value.get<std::uint64_t>()));
  if (!fits) {
    throw FormatError(what + " is no integer of 64 bits");
  }
  return value.get<std::int64_t>();
}

ObjectReader::ObjectReader(const Json& value, std::string where) : object_(value), where_(std::move(where)) {
  if (!value.is_object()) {
    throw FormatError(where_ + " is no JSON object");
  }
}

void ObjectReader::fail(const std::string& what) const { throw FormatError(where_ + ": " + what); }

const Json& ObjectReader::member(const char* key) {
  const auto found = object_.find(key);
  if (found == object_.end()) {
    fail(std::string(key) + " is missing");
  }
  asked_.emplace_back(key);
  return *found;
}

bool ObjectReader::boolean(const char* key) {
  const Json& value = member(key);
  if (!value.is_boolean()) {
    fail(std::string(key) + " is neither true nor false");
  }
  return value.get<bool>();
}

double ObjectReader::number(const char* key) { return to_number(member(key), where_ + ": " + key); }

double ObjectReader::finite_number(const char* key) {
  const double value = number(key);
  if (!std::isfinite(value)) {
    fail(std::string(key) + " is not finite");
  }
  return value;
}

std::int64_t ObjectReader::integer(const char* key) { return to_integer(member(key), where_ + ": " + key); }

std::uint64_t ObjectReader::count(const char* key) { return to_count(member(key), where_ + ": " + key); }

const std::string& ObjectReader::text(const char* key) {
  const Json& value = member(key);
  if (!value.is_string()) {
    fail(std::string(key) + " is no text");
  }
  return value.get_ref<const std::string&>();
}

const Json& ObjectReader::list(const char* key) {
  const Json& value = member(key);
  if (!value.is_array()) {
    fail(std::string(key) + " is no list");
  }
  return value;
}

void ObjectReader::finish() const {
  for (const auto& item : object_.items()) {
    if (std::find(asked_.begin(), asked_.end(), item.key()) == asked_.end()) {
      fail("unknown entry " + in_quotes(item.key()));
    }
  }
}

}  // namespace backpass::io

#include "io/json.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <backpass/error.hpp>

#include "io/json_events.hpp"
#include "io/text.hpp"

namespace backpass::io {
namespace {

using Kind = JsonValue::Kind;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Builds a tree from the events. Throws if the tree exceeds a limit.
class TreeBuilder final : public JsonEvents {
 public:
  TreeBuilder(const std::string& what, std::span<const ListSink> sinks) : what_(what), sinks_(sinks) {}
  [[nodiscard]] JsonValue take() { return std::move(root_); }

  void null() override { add({}); }
  void boolean(bool value) override { add({.kind = Kind::boolean, .boolean = value}); }
  void count(std::uint64_t value) override { add({.kind = Kind::count, .count = value}); }
  void integer(std::int64_t value) override { add({.kind = Kind::integer, .integer = value}); }
  void real(double value) override { add({.kind = Kind::real, .real = value}); }
  void text(std::string value) override { add({.kind = Kind::text, .text = std::move(value)}); }
  void begin_object() override { open(Kind::object); }
  void begin_list() override { open(Kind::list); }
  void end_object() override { close(); }
  void end_list() override { close(); }

  void key(std::string name) override {
    const std::vector<JsonValue>& members = open_.back().value->items;
    if (std::any_of(members.begin(), members.end(), [&](const JsonValue& member) { return member.key == name; })) {
      throw FormatError(what_ + " has " + in_quotes(name) + " twice in one object");
    }
    key_ = std::move(name);
  }

 private:
  /// An object or list that has not ended yet. The addresses stay valid because only the innermost object or list
  /// grows.
  struct Open {
    JsonValue* value;
    const ListSink* sink;    ///< receives the elements; or null
    std::size_t num_values;  ///< number of values in the tree at its beginning
  };

  /// Adds a value to the tree.
  /// \returns its address, valid until the next value is added to the same list or object
  JsonValue* place(JsonValue value) {
    if (num_values_ == kMaxJsonValues) {
      throw FormatError(what_ + " has too many values");
    }
    ++num_values_;
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    JsonValue& parent = *open_.back().value;
    value.key = std::exchange(key_, {});
    parent.items.push_back(std::move(value));
    return &parent.items.back();
  }

  void add(JsonValue value) {
    place(std::move(value));
    finish_element();
  }

  void open(Kind kind) {
    if (open_.size() == kMaxJsonDepth) {
      throw FormatError(what_ + " is nested more than " + std::to_string(kMaxJsonDepth) + " levels deep");
    }
    const JsonValue* const parent = open_.empty() ? nullptr : open_.back().value;
    const ListSink* sink = nullptr;
    if (kind == Kind::list && parent != nullptr && parent->kind == Kind::object) {
      const auto found = std::find_if(sinks_.begin(), sinks_.end(), [&](const ListSink& s) {
        return s.key == key_ && s.object == parent->key && open_.size() == (s.object.empty() ? 1U : 2U);
      });
      sink = found == sinks_.end() ? nullptr : &*found;
    }
    JsonValue* const value = place({.kind = kind});
    open_.push_back({value, sink, num_values_});
  }

  void close() {
    open_.pop_back();
    finish_element();
  }

  /// Called after each complete value. If its list has a sink, the sink takes the value, and the tree drops it.
  void finish_element() {
    if (!open_.empty() && open_.back().sink != nullptr) {
      const Open& list = open_.back();
      list.sink->take(list.value->items.back());
      list.value->items.clear();
      num_values_ = list.num_values;
    }
  }

  const std::string& what_;
  std::span<const ListSink> sinks_;
  JsonValue root_;
  std::vector<Open> open_;
  std::string key_;  ///< key of the next value in an object
  std::size_t num_values_ = 0;
};

}  // namespace

JsonValue parse_json(std::string_view text, const std::string& what, std::span<const ListSink> sinks) {
  TreeBuilder builder(what, sinks);
  parse_events(text, what, builder);
  return builder.take();
}

double to_number(const JsonValue& value, const std::string& what) {
  switch (value.kind) {
    case Kind::real:
      return value.real;
    case Kind::count:
      return static_cast<double>(value.count);
    case Kind::integer:
      return static_cast<double>(value.integer);
    case Kind::text:
      if (value.text == "inf" || value.text == "-inf") {
        return value.text == "inf" ? kInfinity : -kInfinity;
      }
      if (value.text == "nan") {
        return std::numeric_limits<double>::quiet_NaN();
      }
      [[fallthrough]];
    default:
      throw FormatError(what + " is not a number");
  }
}

std::uint64_t to_count(const JsonValue& value, const std::string& what) {
  if (value.kind != Kind::count) {
    throw FormatError(what + " is not a non-negative integer");
  }
  return value.count;
}

std::int64_t to_integer(const JsonValue& value, const std::string& what) {
  if (value.kind == Kind::integer) {
    return value.integer;
  }
  if (value.kind != Kind::count || !std::in_range<std::int64_t>(value.count)) {
    throw FormatError(what + " is not a 64-bit integer");
  }
  return static_cast<std::int64_t>(value.count);
}

ObjectReader::ObjectReader(const JsonValue& value, std::string where) : object_(value), where_(std::move(where)) {
  if (value.kind != Kind::object) {
    throw FormatError(where_ + " is not a JSON object");
  }
}

void ObjectReader::fail(const std::string& what) const { throw FormatError(where_ + ": " + what); }

bool ObjectReader::has(std::string_view key) const noexcept {
  return std::any_of(object_.items.begin(), object_.items.end(),
                     [&](const JsonValue& item) { return item.key == key; });
}

const JsonValue& ObjectReader::member(std::string_view key) {
  const auto found =
      std::find_if(object_.items.begin(), object_.items.end(), [&](const JsonValue& item) { return item.key == key; });
  if (found == object_.items.end()) {
    fail(std::string(key) + " is missing");
  }
  asked_.push_back(found->key);
  return *found;
}

bool ObjectReader::boolean(const char* key) {
  const JsonValue& value = member(key);
  if (value.kind != Kind::boolean) {
    fail(std::string(key) + " is neither true nor false");
  }
  return value.boolean;
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
  const JsonValue& value = member(key);
  if (value.kind != Kind::text) {
    fail(std::string(key) + " is not a string");
  }
  return value.text;
}

const JsonValue& ObjectReader::list(const char* key) {
  const JsonValue& value = member(key);
  if (value.kind != Kind::list) {
    fail(std::string(key) + " is not a list");
  }
  return value;
}

void ObjectReader::finish() const {
  for (const JsonValue& item : object_.items) {
    if (std::find(asked_.begin(), asked_.end(), item.key) == asked_.end()) {
      fail("unknown entry " + in_quotes(item.key));
    }
  }
}

}  // namespace backpass::io

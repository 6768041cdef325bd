/// Small JSON values that nobody has vouched for, and a reader that takes objects apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace backpass::io {

/// Deeper than anything that is saved.
inline constexpr std::size_t kMaxJsonDepth = 32;
/// Values in one tree. 16 schedules behind each other have fewer; a long list goes to a ListSink, not into the tree.
inline constexpr std::size_t kMaxJsonValues = 512;

/// A value. The limits above bound a tree of values; the destructor needs little stack and no memory.
struct JsonValue {
  enum class Kind : std::uint8_t { null, boolean, count, integer, real, text, list, object };
  Kind kind = Kind::null;
  bool boolean = false;
  std::uint64_t count = 0;
  std::int64_t integer = 0;  ///< a negative one
  double real = 0.0;
  std::string text = {};
  std::string key = {};               ///< the value's own name, in an object
  std::vector<JsonValue> items = {};  ///< of a list or an object
};

/// Takes the elements of one list while the text is parsed, so that memory does not grow with the list.
struct ListSink {
  std::string_view object;  ///< of the outermost object's members, the one that has the list; "": that object itself
  std::string_view key;
  std::function<void(const JsonValue&)> take;
};

/// \param what   for messages: "the network's description"
/// \param sinks  their lists are empty in the tree
/// \throws FormatError when the text is not JSON, is deeper or has more values than allowed, or a key twice in one
/// object
[[nodiscard]] JsonValue parse_json(std::string_view text, const std::string& what,
                                   std::span<const ListSink> sinks = {});

/// Reads the members of an object, each of which must be known, present and of the right type.
class ObjectReader {
 public:
  /// \param where  for messages: "layer 2 of the network"
  /// \throws FormatError when it is not an object
  ObjectReader(const JsonValue& value, std::string where);

  /// The functions below throw FormatError when the key is missing or of another type or range.
  [[nodiscard]] const JsonValue& member(std::string_view key);
  [[nodiscard]] bool boolean(const char* key);
  [[nodiscard]] double number(const char* key);  ///< any double
  [[nodiscard]] double finite_number(const char* key);
  [[nodiscard]] std::int64_t integer(const char* key);
  [[nodiscard]] std::uint64_t count(const char* key);  ///< not negative
  [[nodiscard]] const std::string& text(const char* key);
  [[nodiscard]] const JsonValue& list(const char* key);
  /// \throws FormatError when the object has a member nobody asked for: ignored, it might have meant something
  void finish() const;

  [[noreturn]] void fail(const std::string& what) const;

 private:
  const JsonValue& object_;
  std::string where_;
  std::vector<std::string_view> asked_;
};

/// The elements of a list. \throws FormatError, naming `what`, when it is no such number
[[nodiscard]] std::uint64_t to_count(const JsonValue& value, const std::string& what);
[[nodiscard]] std::int64_t to_integer(const JsonValue& value, const std::string& what);
/// Any double: JSON has no infinities and no NaN, they stand as "inf", "-inf", "nan".
[[nodiscard]] double to_number(const JsonValue& value, const std::string& what);

}  // namespace backpass::io

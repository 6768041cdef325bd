/// Small JSON values from untrusted text, and a reader for the members of objects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace backpass::io {

/// The deepest nesting that is read. The library writes less.
inline constexpr std::size_t kMaxJsonDepth = 32;
/// The most values in one tree. 16 nested schedules have fewer values. A long list goes to a ListSink, not into the
/// tree.
inline constexpr std::size_t kMaxJsonValues = 512;

/// A JSON value. The limits above bound the tree of values, so that the recursive destructor needs little stack. It
/// does not allocate memory.
struct JsonValue {
  enum class Kind : std::uint8_t { null, boolean, count, integer, real, text, list, object };
  Kind kind = Kind::null;
  bool boolean = false;
  std::uint64_t count = 0;
  std::int64_t integer = 0;  ///< a negative integer
  double real = 0.0;
  std::string text = {};
  std::string key = {};               ///< the key of this value, if it is a member of an object
  std::vector<JsonValue> items = {};  ///< elements of a list, or members of an object
};

/// Receives the elements of one list during parsing, so that memory does not grow with the list.
struct ListSink {
  std::string_view object;  ///< the member of the outermost object that contains the list; "": the outermost object
  std::string_view key;     ///< of the list
  std::function<void(const JsonValue&)> take;
};

/// \param what   the name of the text in messages, e.g. "the network's description"
/// \param sinks  receive lists, which remain empty in the tree
/// \throws FormatError if the text is not JSON, exceeds a limit above, or has a key twice in one object
[[nodiscard]] JsonValue parse_json(std::string_view text, const std::string& what,
                                   std::span<const ListSink> sinks = {});

/// Reads the members of an object. Each expected member must be present, unless the caller asks has(), and have the
/// right type. No other member may be present.
class ObjectReader {
 public:
  /// \param where  the name of the object in messages, e.g. "layer 2 of the network"
  /// \throws FormatError if the value is not an object
  ObjectReader(const JsonValue& value, std::string where);

  [[nodiscard]] bool has(std::string_view key) const noexcept;
  /// The functions below throw FormatError if the key is missing, or if its value has another type or range.
  [[nodiscard]] const JsonValue& member(std::string_view key);
  [[nodiscard]] bool boolean(const char* key);
  [[nodiscard]] double number(const char* key);  ///< any double, also infinity and NaN
  [[nodiscard]] double finite_number(const char* key);
  [[nodiscard]] std::int64_t integer(const char* key);
  [[nodiscard]] std::uint64_t count(const char* key);  ///< a non-negative integer
  [[nodiscard]] const std::string& text(const char* key);
  [[nodiscard]] const JsonValue& list(const char* key);
  /// Reads a setting: number(), boolean() or integer().
  void read(const char* key, double& value) { value = number(key); }
  void read(const char* key, bool& value) { value = boolean(key); }
  void read(const char* key, std::int64_t& value) { value = integer(key); }
  /// \throws FormatError if the object has a member that was not read: ignoring it could change the file's meaning
  void finish() const;

  /// \throws FormatError with `where` and `what` as the message
  [[noreturn]] void fail(const std::string& what) const;

 private:
  const JsonValue& object_;
  std::string where_;
  std::vector<std::string_view> asked_;
};

/// Conversions of single values, such as the elements of a list.
/// \param what  the name of the value in messages
/// \throws FormatError if the value is not such a number
[[nodiscard]] std::uint64_t to_count(const JsonValue& value, const std::string& what);
[[nodiscard]] std::int64_t to_integer(const JsonValue& value, const std::string& what);
/// Any double. JSON has no infinity and no NaN; a file contains the strings "inf", "-inf" and "nan" instead.
[[nodiscard]] double to_number(const JsonValue& value, const std::string& what);

}  // namespace backpass::io

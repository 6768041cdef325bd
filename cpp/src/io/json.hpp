/// Reading JSON that nobody has vouched for, and numbers that come back bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace backpass::io {

using Json = nlohmann::json;

/// Deeper than anything that is saved.
inline constexpr std::size_t kMaxJsonDepth = 32;

/// \param what       for messages: "the network's description"
/// \param max_items  values and keys, in all; a tree takes many times its text's memory
/// \throws FormatError when the text is no JSON, is deeper or has more items than allowed, or a key twice in one object
[[nodiscard]] Json parse_json(std::string_view text, const std::string& what, std::size_t max_items);

/// The shortest decimal that reads back as the same double; JSON has none for infinities and NaN: "inf", "-inf", "nan".
[[nodiscard]] Json number_to_json(double value);

/// Reads the members of an object, each of which must be known, present and of the right type.
class ObjectReader {
 public:
  /// \param where  for messages: "layer 2 of the network"
  /// \throws FormatError when it is no object
  ObjectReader(const Json& value, std::string where);

  /// The functions below throw FormatError when the key is missing or of another type or range.
  [[nodiscard]] const Json& member(const char* key);
  [[nodiscard]] bool has(const char* key) const { return object_.contains(key); }
  [[nodiscard]] bool boolean(const char* key);
  [[nodiscard]] double number(const char* key);  ///< any double
  [[nodiscard]] double finite_number(const char* key);
  [[nodiscard]] std::int64_t integer(const char* key);
  [[nodiscard]] std::uint64_t count(const char* key);  ///< not negative
  [[nodiscard]] const std::string& text(const char* key);
  [[nodiscard]] const Json& list(const char* key);
  /// \throws FormatError when the object has a member nobody asked for: ignored, it might have meant something
  void finish() const;

  [[noreturn]] void fail(const std::string& what) const;

 private:
  const Json& object_;
  std::string where_;
  std::vector<std::string_view> asked_;
};

/// The elements of a list. \throws FormatError, naming `what`, when it is no such number
[[nodiscard]] std::uint64_t to_count(const Json& value, const std::string& what);
[[nodiscard]] std::int64_t to_integer(const Json& value, const std::string& what);
[[nodiscard]] double to_number(const Json& value, const std::string& what);

}  // namespace backpass::io

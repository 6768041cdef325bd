/// Writers of JSON text. They use plain strings, so that lack of memory only causes an exception.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace backpass::io {

/// The shortest decimal that reads back as the same double. JSON has no infinity and no NaN; they become the strings
/// "inf", "-inf" and "nan".
[[nodiscard]] std::string json_number(double value);

// The JSON of a setting.
[[nodiscard]] inline std::string to_json(double value) { return json_number(value); }
[[nodiscard]] inline std::string to_json(bool value) { return value ? "true" : "false"; }
[[nodiscard]] inline std::string to_json(std::int64_t value) { return std::to_string(value); }

/// The text in quotes, with escape sequences.
/// \param what  the name of the text in messages
/// \throws std::invalid_argument if the text is not UTF-8
[[nodiscard]] std::string json_string(std::string_view text, const char* what);

/// Writes an object, with the members in the order of their keys.
class ObjectWriter {
 public:
  /// \param text  the value of the member, as JSON
  void set(const char* key, std::string text) { members_[key] = std::move(text); }
  [[nodiscard]] std::string text() const;

 private:
  std::map<std::string, std::string> members_;
};

/// Writes a list, element by element.
class ListWriter {
 public:
  /// \param text  the element, as JSON
  void add(std::string_view text) {
    text_ += text_.empty() ? '[' : ',';
    text_ += text;
  }
  [[nodiscard]] std::string text() && { return text_.empty() ? "[]" : std::move(text_) + ']'; }

 private:
  std::string text_;
};

}  // namespace backpass::io

/// JSON texts to be written. Each is a plain string, so that memory that runs out is an exception and nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace backpass::io {

/// The shortest decimal that reads back as the same double; JSON has none for infinities and NaN: "inf", "-inf", "nan".
[[nodiscard]] std::string json_number(double value);
/// In quotes, with escape sequences. \throws std::invalid_argument, naming `what`, when the text is not UTF-8
[[nodiscard]] std::string json_string(std::string_view text, const char* what);

/// An object; its members stand in the order of their keys.
class ObjectWriter {
 public:
  /// \param text  the member's value, which is JSON already
  void set(const char* key, std::string text) { members_[key] = std::move(text); }
  [[nodiscard]] std::string text() const;

 private:
  std::map<std::string, std::string> members_;
};

/// A list, element by element.
class ListWriter {
 public:
  /// \param text  the element, which is JSON already
  void add(std::string_view text) {
    text_ += text_.empty() ? '[' : ',';
    text_ += text;
  }
  [[nodiscard]] std::string text() && { return text_.empty() ? "[]" : std::move(text_) + ']'; }

 private:
  std::string text_;
};

}  // namespace backpass::io

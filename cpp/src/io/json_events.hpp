/// A JSON text as a sequence of events. The parser builds no tree of a text that nobody has vouched for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace backpass::io {

/// Receives what a text contains, in the text's order. A function that throws ends the parsing.
class JsonEvents {
 public:
  JsonEvents() = default;
  JsonEvents(const JsonEvents&) = delete;
  JsonEvents& operator=(const JsonEvents&) = delete;
  virtual ~JsonEvents() = default;

  virtual void null() = 0;
  virtual void boolean(bool value) = 0;
  virtual void count(std::uint64_t value) = 0;   ///< an integer that is not negative
  virtual void integer(std::int64_t value) = 0;  ///< a negative integer
  virtual void real(double value) = 0;           ///< any other number
  virtual void text(std::string value) = 0;
  virtual void key(std::string name) = 0;
  virtual void begin_object() = 0;
  virtual void end_object() = 0;
  virtual void begin_list() = 0;
  virtual void end_list() = 0;
};

/// Time is linear in the text's length. Memory beyond the text and what the receiver keeps is that of the longest
/// string, and a small amount.
/// \param what  for messages: "the header"
/// \throws FormatError when the text is not JSON
void parse_events(std::string_view text, const std::string& what, JsonEvents& receiver);

}  // namespace backpass::io

/// A JSON text as a sequence of events. The parser does not build a tree, because the text is untrusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace backpass::io {

/// Receives the events of a text, in order. An exception ends the parsing.
class JsonEvents {
 public:
  JsonEvents() = default;
  JsonEvents(const JsonEvents&) = delete;
  JsonEvents& operator=(const JsonEvents&) = delete;
  virtual ~JsonEvents() = default;

  virtual void null() = 0;
  virtual void boolean(bool value) = 0;
  virtual void count(std::uint64_t value) = 0;   ///< a non-negative integer
  virtual void integer(std::int64_t value) = 0;  ///< a negative integer
  virtual void real(double value) = 0;           ///< any other number
  virtual void text(std::string value) = 0;
  virtual void key(std::string name) = 0;
  virtual void begin_object() = 0;
  virtual void end_object() = 0;
  virtual void begin_list() = 0;
  virtual void end_list() = 0;
};

/// Takes time linear in the length of the text. In addition to the text and the memory of the receiver, it needs memory
/// for the longest string and a small constant amount.
/// \param what  the name of the text in messages, e.g. "the header"
/// \throws FormatError if the text is not JSON
void parse_events(std::string_view text, const std::string& what, JsonEvents& receiver);

}  // namespace backpass::io

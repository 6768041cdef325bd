#include "io/json_events.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

#include <backpass/error.hpp>

#include "io/nlohmann.hpp"
#include "io/poll.hpp"

namespace backpass::io {
namespace {

/// The parser does not get longer strings, because it keeps up to five copies of a token.
constexpr std::size_t kLongString = std::size_t{1} << 16U;
/// The most characters of a number. No useful number is longer.
constexpr std::size_t kLongestLiteral = 2000;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_structural(char c) { return c == '{' || c == '}' || c == '[' || c == ']' || c == ':' || c == ',' || c == '"'; }

/// Passes a text to the parser character by character. To limit the parser's memory, it replaces a run of white space
/// by one character and a long string by an empty string.
class Feed {
 public:
  Feed(std::string_view text, const std::string& what) : text_(text), what_(what) {}

  [[nodiscard]] bool at_end() const noexcept { return position_ == text_.size(); }
  [[nodiscard]] char current() const noexcept { return text_[position_]; }
  [[nodiscard]] std::size_t position() const noexcept { return position_; }

  void advance() {
    const char c = text_[position_++];
    poll_.done(1);
    if (position_ <= string_end_) {
      return;  // inside a string, or just after its closing quote
    }
    if (c == '"') {
      enter_string();
    } else if (is_space(c)) {
      while (!at_end() && is_space(current())) {
        ++position_;
        poll_.done(1);
      }
    }
    literal_ = is_structural(c) || is_space(c) ? 0 : literal_ + 1;
    if (literal_ > kLongestLiteral) {
      throw FormatError(what_ + " has a number of more than " + std::to_string(kLongestLiteral) + " characters");
    }
  }

  /// The raw text of the long string that the parser got as an empty string, without the quotes. Empty if the last
  /// string was short.
  [[nodiscard]] std::string_view take_long_string() noexcept { return std::exchange(long_string_, {}); }

 private:
  /// Called when position_ is just after the opening quote.
  void enter_string() {
    std::size_t end = position_;
    while (end < text_.size() && text_[end] != '"') {
      end += text_[end] == '\\' ? 2 : 1;
      poll_.done(1);
    }
    end = std::min(end, text_.size());
    if (end - position_ > kLongString) {
      long_string_ = text_.substr(position_, end - position_);
      position_ = end;
    }
    string_end_ = end + 1;
  }

  std::string_view text_;
  const std::string& what_;
  std::size_t position_ = 0;
  std::size_t string_end_ = 0;  ///< just after the closing quote of the last string
  std::size_t literal_ = 0;     ///< number of characters in the present literal
  std::string_view long_string_;
  Poll poll_;
};

/// The input iterator for the parser. All copies share the position of the feed.
class FeedIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  explicit FeedIterator(Feed* feed) noexcept : feed_(feed) {}
  char operator*() const noexcept { return feed_->current(); }
  FeedIterator& operator++() {
    feed_->advance();
    return *this;
  }
  FeedIterator operator++(int) {
    feed_->advance();
    return *this;
  }
  /// All iterators except the end iterator are at the position of the feed.
  friend bool operator==(const FeedIterator& a, const FeedIterator& b) noexcept { return a.is_end() == b.is_end(); }

 private:
  [[nodiscard]] bool is_end() const noexcept { return feed_ == nullptr || feed_->at_end(); }
  Feed* feed_;
};

[[noreturn]] void refuse(const std::string& what, std::size_t position) {
  throw FormatError(what + " is not valid JSON at byte " + std::to_string(position));
}

/// Decodes a string. \param text  with quotes. \param offset  position of `text` in the whole text, for messages
std::string decode(const std::string& text, std::size_t offset, const std::string& what) {
  Feed feed(text, what);
  try {
    return nlohmann::json::parse(FeedIterator(&feed), FeedIterator(nullptr)).get<std::string>();
  } catch (const nlohmann::json::parse_error&) {
    refuse(what, offset + feed.position());
  }
}

/// The length of a first piece of the raw text of a string that can be decoded separately. It is about kLongString and
/// does not end within an escape sequence, a surrogate pair or a UTF-8 sequence.
std::size_t whole_piece(std::string_view raw) {
  const auto is_high_surrogate = [](std::string_view escape) {
    return escape.size() > 3 && (escape[2] == 'd' || escape[2] == 'D') &&
           std::string_view("89abAB").find(escape[3]) != std::string_view::npos;
  };
  std::size_t end = 0;
  while (end < std::min(raw.size(), kLongString - 16)) {
    if (raw[end] == '\\') {
      const std::string_view escape = raw.substr(end);
      end += !escape.starts_with("\\u") ? 2 : is_high_surrogate(escape) ? 12 : 6;
    } else {
      ++end;
      for (int i = 0; i < 3 && end < raw.size() && (static_cast<unsigned char>(raw[end]) & 0xC0U) == 0x80U; ++i) {
        ++end;
      }
    }
  }
  return std::min(end, raw.size());
}

/// Connects the parser's interface to JsonEvents. A return value of true lets the parser continue.
class Adapter {
 public:
  Adapter(Feed& feed, const std::string& what, JsonEvents& receiver) : feed_(feed), what_(what), receiver_(receiver) {}

  bool null() { return receiver_.null(), true; }
  bool boolean(bool value) { return receiver_.boolean(value), true; }
  bool number_integer(std::int64_t value) { return receiver_.integer(value), true; }
  bool number_unsigned(std::uint64_t value) { return receiver_.count(value), true; }
  bool number_float(double value, const std::string& /*text*/) { return receiver_.real(value), true; }
  // The receiver gets copies: the parser reuses its string, whose capacity may be much larger than its size.
  bool string(std::string& value) { return receiver_.text(whole(value)), true; }
  bool key(std::string& name) { return receiver_.key(whole(name)), true; }
  bool start_object(std::size_t /*size*/) { return receiver_.begin_object(), true; }
  bool end_object() { return receiver_.end_object(), true; }
  bool start_array(std::size_t /*size*/) { return receiver_.begin_list(), true; }
  bool end_array() { return receiver_.end_list(), true; }
  // The parser's interface requires this function. It is for other formats than JSON.
  bool binary(std::vector<std::uint8_t>& /*value*/) { return false; }  // GCOVR_EXCL_LINE: JSON has no binary values

  bool parse_error(std::size_t /*position*/, const std::string& /*token*/, const nlohmann::json::exception& /*error*/) {
    refuse(what_, feed_.position());
  }

 private:
  /// The decoded string: `value`, or the long string that the parser did not get.
  [[nodiscard]] std::string whole(const std::string& value) {
    std::string_view raw = feed_.take_long_string();
    if (raw.empty()) {
      return value;
    }
    std::size_t offset = feed_.position() - 1 - raw.size();
    std::string result;
    result.reserve(raw.size());
    Poll poll;  // a single piece is too short to cause a poll
    while (!raw.empty()) {
      const std::size_t length = whole_piece(raw);
      result += decode('"' + std::string(raw.substr(0, length)) + '"', offset - 1, what_);
      raw.remove_prefix(length);
      offset += length;
      poll.done(length);
    }
    return result;
  }

  Feed& feed_;
  const std::string& what_;
  JsonEvents& receiver_;
};

}  // namespace

void parse_events(std::string_view text, const std::string& what, JsonEvents& receiver) {
  // The parser treats a zero byte as the end of the text and would ignore the rest.
  if (text.find('\0') != std::string_view::npos) {
    throw FormatError(what + " contains a zero byte");
  }
  Feed feed(text, what);
  Adapter adapter(feed, what, receiver);
  nlohmann::json::sax_parse(FeedIterator(&feed), FeedIterator(nullptr), &adapter);
}

}  // namespace backpass::io

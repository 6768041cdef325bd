/// Texts of messages: numbers, shapes and lists of names.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace backpass {

/// The shortest decimal text that reads back as the same float or double. It has a decimal point in every locale,
/// unlike the text of std::to_string and printf.
template <class T>
[[nodiscard]] std::string number_text(T value) {
  std::array<char, 32> text{};  // the longest text has 24 characters
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

/// "a, b, c".
/// \param entries  a range
/// \param name_of  gives the name of an entry
template <class Range, class NameOf = std::identity>
[[nodiscard]] std::string list_text(const Range& entries, NameOf name_of = {}) {
  std::string text;
  for (const auto& entry : entries) {
    text += text.empty() ? "" : ", ";
    text += name_of(entry);
  }
  return text;
}

/// A shape: "(2, 3)".
/// \param shape  a range of integers
template <class Range>
[[nodiscard]] std::string shape_text(const Range& shape) {
  std::string text = "(";
  const char* separator = "";
  for (const auto extent : shape) {
    text += separator + std::to_string(extent);
    separator = ", ";
  }
  return text + ")";
}
[[nodiscard]] inline std::string shape_text(std::size_t rows, std::size_t cols) {
  return shape_text(std::array{rows, cols});
}
/// The shape of any number of rows: "(B, 3)".
[[nodiscard]] inline std::string batch_shape_text(std::size_t cols) { return "(B, " + std::to_string(cols) + ")"; }

/// An element of an array: "y[3]", "y[3, 1]".
template <class... Index>
[[nodiscard]] std::string element_text(std::string_view name, Index... indices) {
  return std::string(name) + "[" + list_text(std::array{std::to_string(indices)...}) + "]";
}

/// Compares names without the case of letters and without "_", "-" and " ". So "ReLU6" and "relu6" are the same name.
[[nodiscard]] bool same_name(std::string_view a, std::string_view b);
/// The edit distance of two names: how many characters must be inserted, deleted, replaced, or swapped with the next
/// one. Ignores what same_name() ignores.
[[nodiscard]] std::size_t name_distance(std::string_view a, std::string_view b);

/// The message for a name that a closed set does not contain. It suggests the most similar name.
/// \param what   what the name should be, e.g. "loss"
/// \param known  as in list_text(): the whole set
template <class Range, class NameOf = std::identity>
[[nodiscard]] std::string unknown_text(std::string_view what, std::string_view name, const Range& known,
                                       NameOf name_of = {}) {
  std::string closest;
  std::size_t limit = 1 + name.size() / 3;  // a third of the characters may be wrong
  for (const auto& entry : known) {
    const std::size_t distance = name_distance(name, name_of(entry));
    if (distance < limit) {
      limit = distance;
      closest = name_of(entry);
    }
  }
  return "unknown " + std::string(what) + " \"" + std::string(name) + "\"" +
         (closest.empty() ? "" : " (did you mean \"" + closest + "\"?)") + "; there are: " + list_text(known, name_of);
}

/// The entry of a closed set with this name, by same_name().
/// \throws std::invalid_argument with unknown_text()
template <class Range, class NameOf = std::identity>
[[nodiscard]] const auto& entry_of_name(std::string_view what, std::string_view name, const Range& known,
                                        NameOf name_of = {}) {
  for (const auto& entry : known) {
    if (same_name(name, name_of(entry))) {
      return entry;
    }
  }
  throw std::invalid_argument(unknown_text(what, name, known, name_of));
}

}  // namespace backpass

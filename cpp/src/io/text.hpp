/// Formats text from a file, and names of files, for error messages.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace backpass::io {

/// The text for a message. Bytes that are not printable ASCII are escaped, and a long text is cut. So a message is
/// short and valid UTF-8 for every file.
[[nodiscard]] std::string printable(std::string_view text);
/// printable(text) in quotes.
[[nodiscard]] std::string in_quotes(std::string_view text);
/// The path as the system has it. On Windows it is in UTF-8, and ASCII if the name is not valid Unicode.
[[nodiscard]] std::string path_text(const std::filesystem::path& path);

}  // namespace backpass::io

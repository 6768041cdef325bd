/// Formats text from a file for error messages.
#pragma once

#include <string>
#include <string_view>

namespace backpass::io {

/// The text in quotes. Other bytes than printable ASCII are escaped, and a long text is cut: a hostile name must not
/// flood a message or make it invalid UTF-8.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace backpass::io

/// What a file has besides its content.
#pragma once

#include <sys/stat.h>

#include <filesystem>

namespace backpass::io {

/// Gives an open, new file what an old one has: owner and group, extended attributes (access control lists and security
/// labels among them), mode. What the process may not set stays the new file's own, except that the mode is set last
/// and is always the old one's. \returns 0 or the errno
[[nodiscard]] int copy_attributes(const std::filesystem::path& from, const struct stat& old, int to);

}  // namespace backpass::io

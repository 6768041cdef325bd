/// The attributes of a file: everything except its content.
#pragma once

#include <sys/stat.h>

#include <filesystem>

namespace backpass::io {

/// Copies owner, group, extended attributes (including access control lists and security labels) and mode of an old
/// file to a new one. Attributes that the process may not set keep the values of the new file. The mode is set last and
/// is always that of the old file, or the call fails.
/// \param from  the path of the old file
/// \param old   the result of stat() for the old file
/// \param to    the descriptor of the new file
/// \returns 0 or the errno
[[nodiscard]] int copy_attributes(const std::filesystem::path& from, const struct stat& old, int to);

}  // namespace backpass::io

/// The names of temporary files beside their target.
#pragma once

#include <filesystem>

namespace backpass::io {

/// The number of fixed temporary names per target. A later process can find a file with such a name and remove it.
inline constexpr unsigned kTemporaryNames = 32;

/// The temporary name with this number in the directory of the target. It is the same in every process, and it is
/// short, while the target's name may have the maximum length of the file system.
[[nodiscard]] std::filesystem::path temporary_name(const std::filesystem::path& target, unsigned long long number);

}  // namespace backpass::io

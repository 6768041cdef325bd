/// The names of temporary files beside their target.
#pragma once

#include <filesystem>

#include <backpass/random.hpp>

namespace backpass::io {

/// The number of fixed temporary names per target. A later process can find a file with such a name and remove it.
inline constexpr unsigned kTemporaryNames = 32;

/// The temporary name with this number in the directory of the target. It is the same in every process, and it is
/// short, while the target's name may have the maximum length of the file system.
[[nodiscard]] std::filesystem::path temporary_name(const std::filesystem::path& target, unsigned long long number);

/// Calls done(name) for temporary names until it returns true: first for the fixed names, then for random ones. The
/// fixed names may all be in use, by running processes or by files that cannot be locked.
template <class Done>
void try_temporary_names(const std::filesystem::path& target, Done done) {
  for (unsigned i = 0; i < kTemporaryNames; ++i) {
    if (done(temporary_name(target, i))) {
      return;
    }
  }
  for (int tries = 0; tries < 16; ++tries) {
    if (done(temporary_name(target, random_seed() | kTemporaryNames))) {
      return;
    }
  }
}

}  // namespace backpass::io

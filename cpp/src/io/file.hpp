/// What the library asks of the operating system's files. file_posix.cpp answers; another system needs another such
/// file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

#include "io/source.hpp"

namespace backpass::io {

/// A regular file, open for reading.
class InputFile final : public Source {
 public:
  /// \throws FileError when it cannot be opened or is not a regular file
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile() override;
  /// In bytes, when it was opened.
  [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }

 private:
  bool read_piece(std::uint64_t offset, std::span<std::byte> buffer) override;

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// Replaces the file's content as a whole, with what write() gives to the sink: on return the new bytes are on the
/// disk, and at every moment, even when the machine stops, the path leads to the complete old file or to the complete
/// new one.
///
/// The new file has the old one's permissions, owner, group, access control list and extended attributes, as far as the
/// process may set them; where there was no old file, it has the process's default ones. A symbolic link stays, and
/// what it leads to is replaced; another hard link keeps the old content. A device or pipe is written to.
///
/// The bytes go into a temporary file beside the old one. A process that is killed leaves it behind; the next call for
/// the same path removes it.
/// \throws FileError, and whatever write() throws; the old file is untouched then and nothing else is left behind.
///         (Only when the new file was already in place and making that last failed, it stays.)
void replace_file(const std::filesystem::path& path, const std::function<void(Sink&)>& write);

}  // namespace backpass::io

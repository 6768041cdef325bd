/// What the library asks of the operating system's files. file_posix.cpp answers; another system needs another such
/// file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace backpass::io {

/// A regular file, open for reading from its start.
class InputFile {
 public:
  /// \throws FileError when it cannot be opened or is no regular file
  explicit InputFile(const std::filesystem::path& path);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();
  /// In bytes, when it was opened.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// The next bytes. \returns how many there were: fewer than asked for only at the file's end. \throws FileError
  [[nodiscard]] std::size_t read(std::span<std::byte> buffer);

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// Replaces the file's content as a whole: on return the new bytes are on the disk, and at every moment, even when the
/// machine stops, the path leads to the complete old file or to the complete new one.
///
/// The new file has the old one's permissions, or the process's default ones. A symbolic link stays, and what it leads
/// to is replaced. A device or pipe is written to.
/// \throws FileError; the old file is untouched then and nothing else is left behind. (Only when the new file was
/// already in place
///         and making that last failed, it stays.)
void replace_file(const std::filesystem::path& path, std::span<const std::byte> bytes);

}  // namespace backpass::io

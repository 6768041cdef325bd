/// The file operations that the library needs from the operating system. file_posix.cpp and file_windows.cpp implement
/// them.
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
  /// \throws FileError if the file cannot be opened or is not a regular file
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile() override;
  /// The size in bytes at the time of opening.
  [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }

 private:
  bool read_piece(std::uint64_t offset, std::span<std::byte> buffer) override;

  std::filesystem::path path_;
#if defined(_WIN32)
  void* file_;  ///< a HANDLE
#else
  int file_;  ///< a descriptor
#endif
  std::uint64_t size_ = 0;
};

/// Replaces the whole content of a file by the bytes that write() gives to the sink. On return the new bytes are on the
/// disk. At every moment, even if the machine stops, the path leads to the complete old file or to the complete new
/// file.
///
/// The new file gets the permissions, owner, group, access control list and extended attributes of the old file, as far
/// as the process may set them. If there is no old file, it gets the defaults of the process. If the path is a symbolic
/// link, the link stays and the file it leads to is replaced. Other hard links keep the old content. A device or pipe
/// is written to directly.
///
/// On Windows the new file gets the access control list and the attributes (hidden, encrypted, ...) of the old file,
/// and a symbolic link that leads to no file is an error.
///
/// The bytes go into a temporary file in the same directory. If the process is killed, the temporary file remains until
/// the next call for the same path removes it.
/// \throws FileError, and whatever write() throws. The old file is unchanged then, and the temporary file is removed.
///         The only exception: if the flush after the rename fails, the new file stays in place.
void replace_file(const std::filesystem::path& path, const std::function<void(Sink&)>& write);

}  // namespace backpass::io

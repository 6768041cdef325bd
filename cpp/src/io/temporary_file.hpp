/// A temporary file in the directory of the file that it will replace.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <utility>

namespace backpass::io {

namespace posix {

/// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int value = -1) noexcept : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Descriptor();
  [[nodiscard]] int get() const noexcept { return value_; }
  /// Closes the descriptor. Some file systems report a failed write only here. \returns 0 or the errno
  [[nodiscard]] int close() noexcept;

 private:
  int value_;
};

}  // namespace posix

/// A new file in the directory of its target, so that a rename needs no copy. The destructor removes the file, unless
/// publish() has renamed it.
///
/// The file has one of a fixed set of names for its target, and is locked while its process runs. So another process
/// recognises the file of a killed process and removes it.
class TemporaryFile {
 public:
  /// \throws FileError
  TemporaryFile(std::filesystem::path target, mode_t mode);
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();
  [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }
  /// Closes the file and renames it to the target. \returns 0 or the errno
  [[nodiscard]] int publish() noexcept;

 private:
  /// Creates and locks a file of that name. \returns 0 or the errno
  int create(const std::filesystem::path& path, mode_t mode);

  std::filesystem::path target_;
  std::filesystem::path path_;
  posix::Descriptor descriptor_;
  posix::Descriptor lock_;  ///< of the same file: keeps the lock until the file is renamed
};

}  // namespace backpass::io

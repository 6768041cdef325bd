/// A file that is being written beside the one it will replace.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <utility>

namespace backpass::io {

namespace posix {

/// Closes a file's descriptor.
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
  /// Closes at once, because some file systems report a failed write only now. \returns 0 or the errno
  [[nodiscard]] int close() noexcept;

 private:
  int value_;
};

}  // namespace posix

/// A new file beside its target, so that renaming it needs no copy. Removed again unless it was published.
///
/// Its name is one of a few that belong to the target's name, and it is locked as long as its process lives. So another
/// process knows the file of a process that was killed, and removes it.
class TemporaryFile {
 public:
  /// \throws FileError
  TemporaryFile(std::filesystem::path target, mode_t mode);
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();
  [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }
  /// Gives the file its target's name. \returns 0 or the errno
  [[nodiscard]] int publish() noexcept;

 private:
  /// \returns 0, or the errno that says why there is no file of that name now
  int create(const std::filesystem::path& path, mode_t mode);

  std::filesystem::path target_;
  std::filesystem::path path_;
  posix::Descriptor descriptor_;
  posix::Descriptor lock_;  ///< of the same file: held until the file has its target's name
};

}  // namespace backpass::io

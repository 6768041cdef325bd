#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <system_error>

#include <backpass/error.hpp>

#include "io/file.hpp"
#include "io/file_attributes.hpp"
#include "io/posix.hpp"
#include "io/temporary_file.hpp"
#include "io/text.hpp"

namespace backpass::io {
namespace {

namespace fs = std::filesystem;
using posix::Descriptor;
using posix::fail;
using posix::uninterrupted;

/// The file at the path, or nullopt if there is no file. Every other error stops the save: the path may be a device,
/// which must not be replaced.
std::optional<struct stat> look_up(const fs::path& path) {
  struct stat result{};
  if (::stat(path.c_str(), &result) == 0) {
    return result;
  }
  if (errno != ENOENT) {
    fail("cannot write", path, errno);
  }
  return std::nullopt;
}

/// The path at the end of a chain of symbolic links. A file need not exist there.
fs::path follow_links(const fs::path& path) {
  constexpr int kMostLinks = 40;  // the limit of Linux
  fs::path target = path;
  for (int i = 0; i <= kMostLinks; ++i) {
    std::error_code error;
    const fs::path next = fs::read_symlink(target, error);
    if (error == std::errc::invalid_argument || error == std::errc::no_such_file_or_directory) {
      return target;  // it is not a link, or it does not exist
    }
    if (error) {
      fail("cannot write", path, error.value());
    }
    target = next.is_absolute() ? next : target.parent_path() / next;
  }
  fail("cannot write", path, ELOOP);
}

/// Writes to a descriptor.
class FileSink final : public PolledSink {
 public:
  FileSink(int descriptor, const fs::path& path) : descriptor_(descriptor), path_(path) {}

  /// Waits for the disk, with polls. Otherwise the flush at the end, which cannot be interrupted, would have to write
  /// the last windows.
  void finish() {
    if (started_ != 0) {
      start_flush();
      wait_for_disk(written_);
    }
  }

 private:
  /// Bytes that the disk writes while the next ones are prepared: 80 ms for a disk with 100 MB/s.
  static constexpr std::uint64_t kWindow = std::uint64_t{8} << 20U;

  std::size_t write_piece(std::span<const std::byte> bytes) override {
    const auto written = uninterrupted([&] { return ::write(descriptor_, bytes.data(), bytes.size()); });
    if (written <= 0) {
      fail("cannot write", path_, written < 0 ? errno : EIO);
    }
    written_ += static_cast<std::uint64_t>(written);
    if (written_ - started_ >= kWindow) {
      const std::uint64_t before = started_;
      start_flush();
      wait_for_disk(before);  // this window has had time to finish
    }
    return static_cast<std::size_t>(written);
  }

  /// Starts writing to the disk early. Otherwise the flush at the end would have to write the whole file.
  void start_flush() {
#if defined(__linux__)
    (void)::sync_file_range(descriptor_, static_cast<off_t>(started_), static_cast<off_t>(written_ - started_),
                            SYNC_FILE_RANGE_WRITE);
#endif
    started_ = written_;
  }

  /// Waits until the disk has the bytes before `end`.
  void wait_for_disk(std::uint64_t end) {
#if defined(__linux__)
    constexpr std::uint64_t kPiece = std::uint64_t{1} << 20U;  // between polls: 10 ms for a disk with 100 MB/s
    while (flushed_ < end) {
      const std::uint64_t length = std::min(kPiece, end - flushed_);
      const int result =
          ::sync_file_range(descriptor_, static_cast<off_t>(flushed_), static_cast<off_t>(length),
                            SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
      // Linux reports an error of the disk only once, so fsync() would not report it again. Other errors mean that the
      // file system does not have this call.
      if (result != 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT)) {
        fail("cannot write", path_, errno);
      }
      flushed_ += length;
      poll_.done(static_cast<std::size_t>(length));
    }
#else
    flushed_ = end;
#endif
  }

  int descriptor_;
  const fs::path& path_;
  std::uint64_t written_ = 0;
  std::uint64_t started_ = 0;  ///< bytes for which writing to the disk has started
  std::uint64_t flushed_ = 0;  ///< bytes that the disk has
};

/// \returns 0 or the errno. EINVAL and ENOTSUP count as success: the file system does not have this operation.
int flush(int descriptor) {
#ifdef F_FULLFSYNC
  // On macOS, fsync() leaves the bytes in the cache of the drive.
  if (::fcntl(descriptor, F_FULLFSYNC) == 0) {
    return 0;
  }
#endif
  const int result = uninterrupted([&] { return ::fsync(descriptor); });
  return result == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : errno;
}

void write_to_device(const fs::path& path, const std::function<void(Sink&)>& write) {
  Descriptor device(uninterrupted([&] { return ::open(path.c_str(), O_WRONLY | O_CLOEXEC); }));
  if (device.get() < 0) {
    fail("cannot write", path, errno);
  }
  FileSink sink(device.get(), path);
  write(sink);
  if (const int error = device.close()) {
    fail("cannot write", path, error);
  }
}

/// Makes a rename in the directory durable. \returns 0 or the errno
int flush_directory(const fs::path& directory) {
  const Descriptor descriptor(uninterrupted(
      [&] { return ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (descriptor.get() < 0) {
    return errno == EACCES ? 0 : errno;  // a directory may be writable without being readable
  }
  return flush(descriptor.get());
}

}  // namespace

void posix::fail(const char* what, const fs::path& path, int code) {
  const std::string name = path_text(path);
  throw FileError(std::string(what) + " " + name + ": " + std::generic_category().message(code), code, name);
}

InputFile::InputFile(const fs::path& path)
    : path_(path),
      // O_NONBLOCK: opening a pipe without a writer must not wait for ever. It has no effect on regular files.
      file_(uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC); })) {
  if (file_ < 0) {
    fail("cannot read", path, errno);
  }
  const auto refuse = [&](int error) {
    ::close(file_);
    fail("cannot read", path, error);
  };
  struct stat info{};
  if (::fstat(file_, &info) != 0) {
    refuse(errno);
  }
  if (!S_ISREG(info.st_mode)) {
    refuse(S_ISDIR(info.st_mode) ? EISDIR : ESPIPE);
  }
  size_ = static_cast<std::uint64_t>(info.st_size);
}

InputFile::~InputFile() { ::close(file_); }

bool InputFile::read_piece(std::uint64_t offset, std::span<std::byte> buffer) {
  while (!buffer.empty()) {
    const auto count =
        uninterrupted([&] { return ::pread(file_, buffer.data(), buffer.size(), static_cast<off_t>(offset)); });
    if (count < 0) {
      fail("cannot read", path_, errno);
    }
    if (count == 0) {
      return false;
    }
    buffer = buffer.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return true;
}

void replace_file(const fs::path& path, const std::function<void(Sink&)>& write) {
  const std::optional<struct stat> old = look_up(path);
  if (old && S_ISDIR(old->st_mode)) {
    fail("cannot write", path, EISDIR);
  }
  if (old && !S_ISREG(old->st_mode)) {
    write_to_device(path, write);
    return;
  }
  if (old && ::access(path.c_str(), W_OK) != 0) {
    fail("cannot write", path, errno);  // rename() would succeed, but a read-only file must not be replaced
  }
  constexpr mode_t kPrivate = S_IRUSR | S_IWUSR;  // until the new file gets the mode of the old file
  constexpr mode_t kDefault = kPrivate | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;  // the system removes the umask's bits
  const fs::path target = follow_links(path);
  const fs::path directory = target.parent_path();  // allocates, which must not fail after the rename
  TemporaryFile file(target, old ? kPrivate : kDefault);
  int error = old ? copy_attributes(target, *old, file.descriptor()) : 0;
  if (error == 0) {
    FileSink sink(file.descriptor(), path);
    write(sink);
    sink.finish();
    error = flush(file.descriptor());
  }
  if (error == 0) {
    error = file.publish();
  }
  if (error == 0) {
    error = flush_directory(directory);
  }
  if (error != 0) {
    fail("cannot write", path, error);
  }
}

}  // namespace backpass::io

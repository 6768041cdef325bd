#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <backpass/error.hpp>
#include <backpass/random.hpp>

#include "io/file.hpp"

namespace backpass::io {
namespace {

namespace fs = std::filesystem;

/// Linux transfers at most 2^31 - 4096 bytes a call, and macOS refuses more than 2^31 - 1.
constexpr std::size_t kLargestTransfer = std::size_t{1} << 30U;

[[noreturn]] void fail(const char* what, const fs::path& path, int code) {
  throw FileError(std::string(what) + " " + path.string() + ": " + std::generic_category().message(code), code,
                  path.string());
}

/// The call again, as long as a signal interrupts it.
template <class F>
auto uninterrupted(F call) {
  auto result = call();
  while (result < 0 && errno == EINTR) {
    result = call();
  }
  return result;
}

class Descriptor {
 public:
  explicit Descriptor(int value) noexcept : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (value_ >= 0) {
      ::close(value_);
    }
  }
  [[nodiscard]] int get() const noexcept { return value_; }
  /// Closes at once, because some file systems report a failed write only now. \returns 0 or the errno
  [[nodiscard]] int close() noexcept {
    // After EINTR the descriptor is closed (Linux) or its state unknown: never again.
    return ::close(std::exchange(value_, -1)) == 0 || errno == EINTR ? 0 : errno;
  }

 private:
  int value_;
};

std::optional<struct stat> look_up(const fs::path& path) {
  struct stat result{};
  if (::stat(path.c_str(), &result) == 0) {
    return result;
  }
  return std::nullopt;
}

/// The file a chain of symbolic links ends at, whether or not it exists.
fs::path follow_links(const fs::path& path) {
  constexpr int kMostLinks = 40;  // Linux's own limit
  fs::path target = path;
  for (int i = 0; i < kMostLinks; ++i) {
    std::error_code no_link;
    const fs::path next = fs::read_symlink(target, no_link);
    if (no_link) {
      return target;
    }
    target = next.is_absolute() ? next : target.parent_path() / next;
  }
  fail("cannot write", path, ELOOP);
}

/// \returns 0 or the errno
int write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto written =
        uninterrupted([&] { return ::write(descriptor, bytes.data(), std::min(bytes.size(), kLargestTransfer)); });
    if (written <= 0) {
      return written < 0 ? errno : EIO;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

/// \returns 0 or the errno. A file system that has no such operation says EINVAL or ENOTSUP and has done what it can.
int flush(int descriptor) {
#ifdef F_FULLFSYNC
  // macOS: fsync leaves the bytes in the drive's cache.
  if (::fcntl(descriptor, F_FULLFSYNC) == 0) {
    return 0;
  }
#endif
  const int result = uninterrupted([&] { return ::fsync(descriptor); });
  return result == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : errno;
}

/// A new file under a name nobody has used, beside its target so that renaming it needs no copy. Removed again unless
/// it was published.
class TemporaryFile {
 public:
  TemporaryFile(const fs::path& target, mode_t mode) : target_(target), descriptor_(create(mode)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!published_) {
      ::unlink(path_.c_str());
    }
  }
  [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }
  /// Gives the file its target's name. \returns 0 or the errno
  [[nodiscard]] int publish() {
    if (const int error = descriptor_.close()) {
      return error;
    }
    published_ = ::rename(path_.c_str(), target_.c_str()) == 0;
    return published_ ? 0 : errno;
  }

 private:
  Descriptor create(mode_t mode) {
    constexpr int kTries = 16;
    int error = EEXIST;
    for (int i = 0; i < kTries && error == EEXIST; ++i) {
      // Not derived from the target's name, which may already be as long as the file system allows.
      char name[32];
      std::snprintf(name, sizeof name, ".backpass-%016llx.tmp", static_cast<unsigned long long>(random_seed()));
      path_ = target_.parent_path() / name;
      const int descriptor = uninterrupted(
          [&] { return ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode); });
      if (descriptor >= 0) {
        return Descriptor(descriptor);
      }
      error = errno;
    }
    fail("cannot write", target_, error);
  }

  fs::path target_;
  fs::path path_;
  Descriptor descriptor_;
  bool published_ = false;
};

void write_to_device(const fs::path& path, std::span<const std::byte> bytes) {
  Descriptor device(uninterrupted([&] { return ::open(path.c_str(), O_WRONLY | O_CLOEXEC); }));
  int error = device.get() < 0 ? errno : write_all(device.get(), bytes);
  if (error == 0) {
    error = device.close();
  }
  if (error != 0) {
    fail("cannot write", path, error);
  }
}

/// Makes the rename itself last. \returns 0 or the errno
int flush_directory(const fs::path& directory) {
  const Descriptor descriptor(uninterrupted(
      [&] { return ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (descriptor.get() < 0) {
    return errno == EACCES ? 0 : errno;  // a directory may be writable without being readable
  }
  return flush(descriptor.get());
}

}  // namespace

InputFile::InputFile(const fs::path& path)
    : path_(path),
      // O_NONBLOCK: opening a pipe that nobody writes to must not wait for ever; regular files take no notice.
      descriptor_(uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC); })) {
  if (descriptor_ < 0) {
    fail("cannot read", path, errno);
  }
  struct stat info{};
  int error = ::fstat(descriptor_, &info) == 0 ? 0 : errno;
  if (error == 0 && !S_ISREG(info.st_mode)) {
    error = S_ISDIR(info.st_mode) ? EISDIR : ESPIPE;
  }
  if (error != 0) {
    ::close(descriptor_);
    fail("cannot read", path, error);
  }
  size_ = static_cast<std::uint64_t>(info.st_size);
}

InputFile::~InputFile() { ::close(descriptor_); }

std::size_t InputFile::read(std::span<std::byte> buffer) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const std::span<std::byte> rest = buffer.subspan(done, std::min(buffer.size() - done, kLargestTransfer));
    const auto count = uninterrupted([&] { return ::read(descriptor_, rest.data(), rest.size()); });
    if (count < 0) {
      fail("cannot read", path_, errno);
    }
    if (count == 0) {
      break;
    }
    done += static_cast<std::size_t>(count);
  }
  return done;
}

void replace_file(const fs::path& path, std::span<const std::byte> bytes) {
  const std::optional<struct stat> old = look_up(path);
  if (old && S_ISDIR(old->st_mode)) {
    fail("cannot write", path, EISDIR);
  }
  if (old && !S_ISREG(old->st_mode)) {
    write_to_device(path, bytes);
    return;
  }
  if (old && ::access(path.c_str(), W_OK) != 0) {
    fail("cannot write", path, errno);  // rename() would not mind, but whoever made the file read-only would
  }
  constexpr mode_t kPermissions = S_IRWXU | S_IRWXG | S_IRWXO;
  constexpr mode_t kDefault = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;  // less the umask
  const fs::path target = follow_links(path);
  TemporaryFile file(target, old ? old->st_mode & kPermissions : kDefault);
  int error = 0;
  if (old && ::fchmod(file.descriptor(), old->st_mode & kPermissions) != 0) {
    error = errno;  // what the umask took away
  }
  if (error == 0) {
    error = write_all(file.descriptor(), bytes);
  }
  if (error == 0) {
    error = flush(file.descriptor());
  }
  if (error == 0) {
    error = file.publish();
  }
  if (error == 0) {
    error = flush_directory(target.parent_path());
  }
  if (error != 0) {
    fail("cannot write", path, error);
  }
}

}  // namespace backpass::io

#include "io/temporary_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "io/posix.hpp"
#include "io/temporary_name.hpp"

namespace backpass::io {
namespace {

namespace fs = std::filesystem;

/// \returns 0, or −1 with errno set
int lock(int descriptor) noexcept {
  return posix::uninterrupted([&] { return ::flock(descriptor, LOCK_EX | LOCK_NB); });
}

/// True if `path` still leads to the open file. No other process changes this while this process holds the lock.
bool has_name(int descriptor, const fs::path& path) noexcept {
  struct stat file{};
  struct stat named{};
  const auto identity = [](const struct stat& info) { return std::pair(info.st_dev, info.st_ino); };
  return ::fstat(descriptor, &file) == 0 && ::lstat(path.c_str(), &named) == 0 && identity(file) == identity(named);
}

/// Removes the temporary file of a process that has ended. A file that a process still writes to is locked and stays.
void remove_stale(const fs::path& path) noexcept {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return;
  }
  const posix::Descriptor file(
      posix::uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC); }));
  if (file.get() >= 0 && lock(file.get()) == 0 && has_name(file.get(), path)) {
    ::unlink(path.c_str());
  }
}

}  // namespace

posix::Descriptor::~Descriptor() {
  if (value_ >= 0) {
    ::close(value_);
  }
}

int posix::Descriptor::close() noexcept {
  // After EINTR the descriptor is closed (Linux) or its state is unknown: do not close it again.
  return ::close(std::exchange(value_, -1)) == 0 || errno == EINTR ? 0 : errno;
}

TemporaryFile::TemporaryFile(fs::path target, mode_t mode) : target_(std::move(target)) {
  for (unsigned i = 0; i < kTemporaryNames; ++i) {
    remove_stale(temporary_name(target_, i));
  }
  int error = EEXIST;
  try_temporary_names(target_, [&](const fs::path& name) {
    error = create(name, mode);
    return error != EEXIST;
  });
  if (error != 0) {
    posix::fail("cannot write", target_, error);
  }
}

int TemporaryFile::create(const fs::path& path, mode_t mode) {
  path_ = path;
  posix::Descriptor file(posix::uninterrupted(
      [&] { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode); }));
  if (file.get() < 0) {
    return errno;
  }
  // If the file system has no locks, continue without one: no other process can lock this file and remove it either.
  const bool is_locked = lock(file.get()) == 0;
  const bool is_taken = !is_locked && (errno == EWOULDBLOCK || errno == EAGAIN);
  if (is_taken || !has_name(file.get(), path)) {
    return EEXIST;  // between open() and flock() another process locked the file, to remove it as a stale file
  }
  lock_ = posix::Descriptor(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0));
  if (lock_.get() < 0) {
    const int error = errno;
    ::unlink(path.c_str());
    return error;
  }
  descriptor_ = std::move(file);
  return 0;
}

TemporaryFile::~TemporaryFile() {
  if (lock_.get() >= 0) {
    ::unlink(path_.c_str());
  }
}

int TemporaryFile::publish() noexcept {
  if (const int error = descriptor_.close()) {
    return error;
  }
  if (::rename(path_.c_str(), target_.c_str()) != 0) {
    return errno;
  }
  (void)lock_.close();  // the new file is complete, whatever this returns
  return 0;
}

}  // namespace backpass::io

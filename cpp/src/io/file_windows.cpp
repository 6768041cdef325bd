#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <backpass/error.hpp>
#include <backpass/random.hpp>

#include "io/file.hpp"
#include "io/temporary_name.hpp"
#include "io/text.hpp"

namespace backpass::io {
namespace {

namespace fs = std::filesystem;

constexpr DWORD kShareAll = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

/// \param what   what failed, e.g. "cannot read"
/// \param error  an errno, or a code of GetLastError() with std::system_category()
[[noreturn]] void fail(const char* what, const fs::path& path, std::error_code error) {
  const std::string name = path_text(path);
  throw FileError(std::string(what) + " " + name + ": " + error.message(), error.default_error_condition().value(),
                  name);
}
[[noreturn]] void fail(const char* what, const fs::path& path, std::errc error) {
  fail(what, path, std::make_error_code(error));
}

/// The error of the last system call of this thread.
std::error_code last_error() noexcept { return {static_cast<int>(::GetLastError()), std::system_category()}; }

/// Owns a handle.
class Handle {
 public:
  explicit Handle(HANDLE value = INVALID_HANDLE_VALUE) noexcept : value_(value) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  Handle(Handle&& other) noexcept : value_(other.release()) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Handle() {
    if (is_open()) {
      ::CloseHandle(value_);
    }
  }
  [[nodiscard]] bool is_open() const noexcept { return value_ != INVALID_HANDLE_VALUE; }
  [[nodiscard]] HANDLE get() const noexcept { return value_; }
  [[nodiscard]] HANDLE release() noexcept { return std::exchange(value_, INVALID_HANDLE_VALUE); }

 private:
  HANDLE value_;
};

/// Opens an existing file, directory or device.
Handle open_existing(const fs::path& path, DWORD access) {
  return Handle(
      ::CreateFileW(path.c_str(), access, kShareAll, nullptr, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, nullptr));
}

/// 0 for a device
DWORD attributes_of(const Handle& file) noexcept {
  BY_HANDLE_FILE_INFORMATION info{};
  return ::GetFileType(file.get()) == FILE_TYPE_DISK && ::GetFileInformationByHandle(file.get(), &info) != 0
             ? info.dwFileAttributes
             : 0;
}

/// The path of an open file, without symbolic links.
fs::path final_path(const Handle& file) {
  std::wstring name(512, L'\0');
  DWORD length = ::GetFinalPathNameByHandleW(file.get(), name.data(), static_cast<DWORD>(name.size()), 0);
  if (length > name.size()) {
    name.resize(length);
    length = ::GetFinalPathNameByHandleW(file.get(), name.data(), static_cast<DWORD>(name.size()), 0);
  }
  name.resize(length);
  return name;
}

/// Writes to a handle in pieces, with a poll after each piece.
class FileSink final : public Sink {
 public:
  FileSink(HANDLE file, const fs::path& path) : file_(file), path_(path) {}

  void write(std::span<const std::byte> bytes) override {
    constexpr std::size_t kPiece = std::size_t{1} << 20U;  // between polls: 1 ms at 1 GB/s
    while (!bytes.empty()) {
      DWORD written = 0;
      const auto piece = static_cast<DWORD>(std::min(bytes.size(), kPiece));
      if (::WriteFile(file_, bytes.data(), piece, &written, nullptr) == 0) {
        fail("cannot write", path_, last_error());
      }
      if (written == 0) {
        fail("cannot write", path_, std::errc::io_error);
      }
      bytes = bytes.subspan(written);
      poll_.done(written);
    }
  }

 private:
  HANDLE file_;
  const fs::path& path_;
  Poll poll_;
};

/// A new file in the directory of its target. The destructor removes the file, unless publish() has renamed it.
///
/// It has one of a fixed set of names for its target, and is not shared while its process runs. So another process can
/// remove the file of a killed process, and no other file.
class TemporaryFile {
 public:
  /// \param target  an absolute path with backslashes
  /// \throws FileError
  explicit TemporaryFile(fs::path target) : target_(std::move(target)) {
    for (unsigned i = 0; i < kTemporaryNames; ++i) {
      ::DeleteFileW(temporary_name(target_, i).c_str());  // fails if there is none, or if a process has it open
    }
    bool is_taken = true;
    for (unsigned i = 0; is_taken && i < kTemporaryNames; ++i) {
      is_taken = !create(temporary_name(target_, i));
    }
    for (int tries = 0; is_taken && tries < 16; ++tries) {
      is_taken = !create(temporary_name(target_, random_seed() | kTemporaryNames));
    }
    if (is_taken) {
      fail("cannot write", target_, std::errc::file_exists);
    }
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!published_) {
      FILE_DISPOSITION_INFO remove{TRUE};
      (void)::SetFileInformationByHandle(file_.get(), FileDispositionInfo, &remove, sizeof remove);
    }
  }
  [[nodiscard]] HANDLE handle() const noexcept { return file_.get(); }
  [[nodiscard]] const fs::path& path() const noexcept { return path_; }

  /// Renames the open file to the target, whatever the target is then.
  /// \returns false if it fails; see last_error()
  [[nodiscard]] bool publish() {
    const std::wstring& name = target_.native();
    const std::size_t bytes = name.size() * sizeof(wchar_t);
    std::vector<std::byte> memory(sizeof(FILE_RENAME_INFO) + bytes);
    auto* const request = new (memory.data()) FILE_RENAME_INFO{};
    request->ReplaceIfExists = TRUE;
    request->FileNameLength = static_cast<DWORD>(bytes);
    std::copy(name.begin(), name.end(), request->FileName);
    published_ =
        ::SetFileInformationByHandle(file_.get(), FileRenameInfo, request, static_cast<DWORD>(memory.size())) != 0;
    return published_;
  }

 private:
  /// \returns false if the name is taken \throws FileError
  bool create(const fs::path& path) {
    path_ = path;
    file_ = Handle(::CreateFileW(path.c_str(), GENERIC_WRITE | DELETE | WRITE_DAC, 0, nullptr, CREATE_NEW,
                                 FILE_ATTRIBUTE_NORMAL, nullptr));
    if (file_.is_open()) {
      return true;
    }
    const std::error_code error = last_error();
    // ERROR_ACCESS_DENIED: the file that has the name is about to be removed, or this process may not write here.
    if (error.value() != ERROR_FILE_EXISTS && error.value() != ERROR_ALREADY_EXISTS) {
      fail("cannot write", target_, error);
    }
    return false;
  }

  fs::path target_;
  fs::path path_;
  Handle file_;
  bool published_ = false;
};

/// Copies the access control list of a file, as far as the process may set it.
void copy_access_list(const fs::path& from, const fs::path& to) {
  DWORD size = 0;
  ::GetFileSecurityW(from.c_str(), DACL_SECURITY_INFORMATION, nullptr, 0, &size);
  const auto memory = std::make_unique<std::byte[]>(size);
  if (size != 0 && ::GetFileSecurityW(from.c_str(), DACL_SECURITY_INFORMATION, memory.get(), size, &size) != 0) {
    (void)::SetFileSecurityW(to.c_str(), DACL_SECURITY_INFORMATION, memory.get());
  }
}

void write_to_device(const fs::path& path, const std::function<void(Sink&)>& write) {
  const Handle device = open_existing(path, GENERIC_WRITE);
  if (!device.is_open()) {
    fail("cannot write", path, last_error());
  }
  FileSink sink(device.get(), path);
  write(sink);
}

}  // namespace

InputFile::InputFile(const fs::path& path) : path_(path) {
  Handle file = open_existing(path, GENERIC_READ);
  if (!file.is_open()) {
    fail("cannot read", path, last_error());
  }
  if (::GetFileType(file.get()) != FILE_TYPE_DISK) {
    fail("cannot read", path, std::errc::invalid_seek);
  }
  if ((attributes_of(file) & FILE_ATTRIBUTE_DIRECTORY) != 0) {
    fail("cannot read", path, std::errc::is_a_directory);
  }
  LARGE_INTEGER size{};
  if (::GetFileSizeEx(file.get(), &size) == 0) {
    fail("cannot read", path, last_error());
  }
  size_ = static_cast<std::uint64_t>(size.QuadPart);
  file_ = file.release();
}

InputFile::~InputFile() { ::CloseHandle(file_); }

bool InputFile::read_piece(std::uint64_t offset, std::span<std::byte> buffer) {
  while (!buffer.empty()) {
    OVERLAPPED position{};
    position.Offset = static_cast<DWORD>(offset);
    position.OffsetHigh = static_cast<DWORD>(offset >> 32U);
    DWORD count = 0;
    const auto most = static_cast<DWORD>(std::min(buffer.size(), std::size_t{1} << 30U));
    if (::ReadFile(file_, buffer.data(), most, &count, &position) == 0 && ::GetLastError() != ERROR_HANDLE_EOF) {
      fail("cannot read", path_, last_error());
    }
    if (count == 0) {
      return false;
    }
    buffer = buffer.subspan(count);
    offset += count;
  }
  return true;
}

void replace_file(const fs::path& path, const std::function<void(Sink&)>& write) {
  Handle old = open_existing(path, 0);
  const bool exists = old.is_open();
  if (!exists && ::GetLastError() != ERROR_FILE_NOT_FOUND) {
    fail("cannot write", path, last_error());
  }
  if (exists && ::GetFileType(old.get()) != FILE_TYPE_DISK) {
    write_to_device(path, write);
    return;
  }
  const DWORD attributes = exists ? attributes_of(old) : FILE_ATTRIBUTE_NORMAL;
  if ((attributes & FILE_ATTRIBUTE_DIRECTORY) != 0) {
    fail("cannot write", path, std::errc::is_a_directory);
  }
  if ((attributes & FILE_ATTRIBUTE_READONLY) != 0) {
    fail("cannot write", path, std::errc::permission_denied);
  }
  const fs::path target = exists ? final_path(old) : fs::absolute(path).make_preferred();
  old = Handle();
  TemporaryFile file(target);
  if (exists) {
    copy_access_list(target, file.path());
    ::SetFileAttributesW(file.path().c_str(), attributes);
  }
  FileSink sink(file.handle(), path);
  write(sink);
  // The second flush makes the rename durable.
  if (::FlushFileBuffers(file.handle()) == 0 || !file.publish() || ::FlushFileBuffers(file.handle()) == 0) {
    fail("cannot write", path, last_error());
  }
}

}  // namespace backpass::io

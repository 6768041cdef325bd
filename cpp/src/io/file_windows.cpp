#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <backpass/error.hpp>

#include "base/windows.hpp"
#include "io/file.hpp"
#include "io/temporary_name.hpp"
#include "io/text.hpp"

namespace backpass::io {
namespace {

namespace fs = std::filesystem;

/// \param what   what failed, e.g. "cannot read"
/// \param error  an errno, or a code of GetLastError()
[[noreturn]] void fail(const char* what, const fs::path& path, std::error_code error) {
  const std::error_condition known = error.default_error_condition();
  const bool has_errno = known.category() == std::generic_category();
  const std::string name = path_text(path);
  throw FileError(std::string(what) + " " + name + ": " + (has_errno ? known.message() : error.message()),
                  has_errno ? known.value() : EIO, name);
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
Handle open_existing(const fs::path& path, DWORD access) noexcept {
  constexpr DWORD kShareAll = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
  return Handle(
      ::CreateFileW(path.c_str(), access, kShareAll, nullptr, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, nullptr));
}

bool is_link(const fs::path& path) noexcept {
  const DWORD attributes = ::GetFileAttributesW(path.c_str());
  return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
}

/// The absolute path, without symbolic links.
/// \param file  the file of that path, if there is one
fs::path final_path(const Handle& file, const fs::path& path) {
  if (file.is_open()) {
    std::wstring name(32768, L'\0');  // the limit of Windows
    const DWORD length = ::GetFinalPathNameByHandleW(file.get(), name.data(), static_cast<DWORD>(name.size()), 0);
    if (length != 0 && length < name.size()) {
      name.resize(length);
      return name;
    }
    if (is_link(path)) {  // some drivers do not have this call
      fail("cannot write", path, last_error());
    }
  }
  return fs::absolute(path).make_preferred();
}

/// Writes to a handle.
class FileSink final : public PolledSink {
 public:
  FileSink(HANDLE file, const fs::path& path) : file_(file), path_(path) {}

 private:
  std::size_t write_piece(std::span<const std::byte> bytes) override {
    DWORD written = 0;
    if (::WriteFile(file_, bytes.data(), static_cast<DWORD>(bytes.size()), &written, nullptr) == 0) {
      fail("cannot write", path_, last_error());
    }
    if (written == 0) {
      fail("cannot write", path_, std::errc::io_error);
    }
    return written;
  }

  HANDLE file_;
  const fs::path& path_;
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

/// A new file in the directory of its target. The destructor removes the file, unless publish() has renamed it.
///
/// It has one of a fixed set of names for its target. While its process runs, other processes may not delete it. So a
/// later process can remove the file of a killed process, and no other file.
class TemporaryFile {
 public:
  /// \param path        for messages
  /// \param target      an absolute path with backslashes, without links
  /// \param attributes  of the new file
  /// \throws FileError
  TemporaryFile(const fs::path& path, const fs::path& target, DWORD attributes) : target_(target) {
    for (unsigned i = 0; i < kTemporaryNames; ++i) {
      ::DeleteFileW(temporary_name(target, i).c_str());  // fails if there is none, and while a process has it open
    }
    std::error_code error;
    try_temporary_names(target, [&](const fs::path& name) {
      path_ = name;
      file_ = Handle(::CreateFileW(name.c_str(), GENERIC_WRITE | DELETE, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr,
                                   CREATE_NEW, attributes, nullptr));
      error = last_error();
      // Access is also denied to a file that is about to be deleted. Then try the next name.
      return file_.is_open() || (error.value() != ERROR_FILE_EXISTS && error.value() != ERROR_ALREADY_EXISTS &&
                                 error.value() != ERROR_ACCESS_DENIED && error.value() != ERROR_SHARING_VIOLATION);
    });
    if (!file_.is_open()) {
      fail("cannot write", path, error);
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

  /// Renames the file to the target, whatever the target is then. Another program, for example a virus scanner, may
  /// have the target open for a moment: then tries again for half a second.
  [[nodiscard]] std::error_code publish() {
    const std::wstring& name = target_.native();
    const std::size_t bytes = name.size() * sizeof(wchar_t);
    std::vector<std::byte> memory(sizeof(FILE_RENAME_INFO) + bytes);
    auto* const request = new (memory.data()) FILE_RENAME_INFO{};
    request->FileNameLength = static_cast<DWORD>(bytes);
    std::copy(name.begin(), name.end(), request->FileName);
    std::error_code error;
    for (int tries = 0; tries < 50; ++tries) {
      error = rename(request, static_cast<DWORD>(memory.size()));
      published_ = !error;
      if (error.value() != ERROR_ACCESS_DENIED && error.value() != ERROR_SHARING_VIOLATION) {
        break;
      }
      ::Sleep(10);
    }
    return error;
  }

 private:
  /// Renames with the semantics of POSIX, which processes that read the target do not prevent; without them before
  /// Windows 10, and where the file system does not have them.
  std::error_code rename(FILE_RENAME_INFO* request, DWORD size) noexcept {
    constexpr auto kFileRenameInfoEx = static_cast<FILE_INFO_BY_HANDLE_CLASS>(22);
    constexpr DWORD kReplaceIfExists = 1;
    constexpr DWORD kPosixSemantics = 2;
    const auto try_with = [&](FILE_INFO_BY_HANDLE_CLASS kind, DWORD flags) -> std::error_code {
      std::memcpy(static_cast<void*>(request), &flags, sizeof flags);  // at the place of ReplaceIfExists
      const bool done = ::SetFileInformationByHandle(file_.get(), kind, request, size) != 0;
      return done ? std::error_code() : last_error();
    };
    const std::error_code error = try_with(kFileRenameInfoEx, kReplaceIfExists | kPosixSemantics);
    switch (error.value()) {
      case ERROR_INVALID_PARAMETER:
      case ERROR_INVALID_FUNCTION:
      case ERROR_INVALID_LEVEL:
      case ERROR_NOT_SUPPORTED:
      case ERROR_CALL_NOT_IMPLEMENTED:
        return try_with(FileRenameInfo, kReplaceIfExists);
      default:
        return error;
    }
  }

  fs::path target_;
  fs::path path_;
  Handle file_;
  bool published_ = false;
};

}  // namespace

InputFile::InputFile(const fs::path& path) : path_(path) {
  Handle file = open_existing(path, GENERIC_READ);
  if (!file.is_open()) {
    fail("cannot read", path, last_error());
  }
  if (::GetFileType(file.get()) != FILE_TYPE_DISK) {
    fail("cannot read", path, std::errc::invalid_seek);
  }
  if (std::error_code ignored; fs::is_directory(path, ignored)) {
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
    if (::ReadFile(file_, buffer.data(), static_cast<DWORD>(buffer.size()), &count, &position) == 0 &&
        ::GetLastError() != ERROR_HANDLE_EOF) {
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
  if (std::error_code ignored; fs::is_directory(path, ignored)) {
    fail("cannot write", path, std::errc::is_a_directory);
  }
  // The request to write finds out whether the old file may be written. It is not written.
  Handle old = open_existing(path, GENERIC_WRITE);
  const bool exists = old.is_open();
  if (!exists) {
    const std::error_code error = last_error();
    if (error.value() != ERROR_FILE_NOT_FOUND || is_link(path)) {
      fail("cannot write", path, error);
    }
  } else if (const DWORD type = ::GetFileType(old.get()); type == FILE_TYPE_CHAR || type == FILE_TYPE_PIPE) {
    FileSink sink(old.get(), path);
    write(sink);
    return;
  }
  const fs::path target = final_path(old, path);
  constexpr DWORD kKept = FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM | FILE_ATTRIBUTE_ARCHIVE |
                          FILE_ATTRIBUTE_NOT_CONTENT_INDEXED | FILE_ATTRIBUTE_ENCRYPTED;
  BY_HANDLE_FILE_INFORMATION info{};
  const bool has_info = exists && ::GetFileInformationByHandle(old.get(), &info) != 0;
  if ((info.dwFileAttributes & FILE_ATTRIBUTE_READONLY) != 0) {
    fail("cannot write", path, std::errc::permission_denied);
  }
  const DWORD attributes = has_info ? info.dwFileAttributes & kKept : 0;
  old = Handle();  // an open file may prevent the rename
  TemporaryFile file(path, target, attributes != 0 ? attributes : FILE_ATTRIBUTE_NORMAL);
  if (exists) {
    copy_access_list(target, file.path());
  }
  FileSink sink(file.handle(), path);
  write(sink);
  if (::FlushFileBuffers(file.handle()) == 0) {
    fail("cannot write", path, last_error());
  }
  if (const std::error_code error = file.publish()) {
    fail("cannot write", path, error);
  }
  if (::FlushFileBuffers(file.handle()) == 0) {  // makes the rename durable
    fail("cannot write", path, last_error());
  }
}

}  // namespace backpass::io

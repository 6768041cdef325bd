#include "io/file_attributes.hpp"

#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

#if defined(__linux__)
#include <sys/xattr.h>
#elif defined(__APPLE__)
#include <copyfile.h>
#include <fcntl.h>

#include "io/temporary_file.hpp"
#endif

namespace backpass::io {
namespace {

#if defined(__linux__)

constexpr char kAccessList[] = "system.posix_acl_access";

/// True if the error means that the process has no permission, or that the file system cannot do it. Such an error must
/// not prevent saving.
bool is_refusal(int error) {
  return error == EPERM || error == EACCES || error == ENOTSUP || error == ENOSYS || error == EINVAL ||
         error == ENODATA;
}

/// The complete result of call(buffer, size). Empty if there is no result or if it cannot be read.
template <class Call>
std::string read_all(Call call) {
  constexpr std::size_t kMost = 65536;  // the limits of Linux for a value and for a list of names
  std::string buffer(kMost, '\0');
  const ssize_t size = call(buffer.data(), buffer.size());
  return buffer.substr(0, size < 0 ? 0 : static_cast<std::size_t>(size));
}

/// True for attributes that describe the old content or grant it rights. The new content must not get them.
bool belongs_to_content(std::string_view name) {
  return name == "security.ima" || name == "security.evm" || name == "security.capability";
}

int copy_extended(const std::filesystem::path& from, int to) {
  const std::string names = read_all([&](char* at, std::size_t size) { return ::listxattr(from.c_str(), at, size); });
  bool has_access_list = false;
  for (std::size_t begin = 0; begin < names.size();) {
    const std::string name = names.c_str() + begin;
    begin += name.size() + 1;
    if (belongs_to_content(name)) {
      continue;
    }
    if (name == kAccessList) {
      has_access_list = true;
    }
    const std::string value =
        read_all([&](char* at, std::size_t size) { return ::getxattr(from.c_str(), name.c_str(), at, size); });
    if (::fsetxattr(to, name.c_str(), value.data(), value.size(), 0) != 0 && !is_refusal(errno)) {
      return errno;
    }
  }
  // The new file may have inherited a default access list from the directory. Remove it if the old file has no list.
  if (!has_access_list && ::fremovexattr(to, kAccessList) != 0 && !is_refusal(errno)) {
    return errno;
  }
  return 0;
}

#elif defined(__APPLE__)

int copy_extended(const std::filesystem::path& from, int to) {
  const posix::Descriptor old(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (old.get() >= 0) {
    (void)::fcopyfile(old.get(), to, nullptr, COPYFILE_ACL | COPYFILE_XATTR);
  }
  return 0;
}

#else

int copy_extended(const std::filesystem::path& /*from*/, int /*to*/) { return 0; }

#endif

}  // namespace

int copy_attributes(const std::filesystem::path& from, const struct stat& old, int to) {
  struct stat now{};
  if (::fstat(to, &now) != 0) {
    return errno;
  }
  // Only root can change the owner. If that fails, change only the group, which a member of the group can do.
  if ((now.st_uid != old.st_uid || now.st_gid != old.st_gid) && ::fchown(to, old.st_uid, old.st_gid) != 0 &&
      now.st_gid != old.st_gid) {
    (void)!::fchown(to, static_cast<uid_t>(-1), old.st_gid);
  }
  if (const int error = copy_extended(from, to)) {
    return error;
  }
  constexpr mode_t kPermissions = S_IRWXU | S_IRWXG | S_IRWXO;
  return ::fchmod(to, old.st_mode & kPermissions) == 0 ? 0 : errno;
}

}  // namespace backpass::io

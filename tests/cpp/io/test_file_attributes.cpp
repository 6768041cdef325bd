/// Replacing a file's content keeps the file's other attributes.
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#if defined(__linux__)
#include <sys/xattr.h>
#endif

#include <gtest/gtest.h>
#include <backpass/error.hpp>
#include <backpass/serialize.hpp>

#include "io/temporary_directory.hpp"

namespace backpass {
namespace {

namespace fs = std::filesystem;

void put(const fs::path& path, const std::string& text) {
  replace_file(path, std::as_bytes(std::span(text.data(), text.size())));
}

struct stat info(const fs::path& path) {
  struct stat result{};
  EXPECT_EQ(::stat(path.c_str(), &result), 0);
  return result;
}

class FileAttributes : public testing::Test {
 protected:
  FileAttributes() { put(path_, "old"); }

  [[nodiscard]] unsigned mode() const { return info(path_).st_mode & 07777U; }

  test::TemporaryDirectory directory_;
  fs::path path_ = directory_ / "model";
};

/// Only root can change the owner of a file, so other users skip these tests.
class OwnedFile : public FileAttributes {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "only root can give a file to another user";
    }
    ASSERT_EQ(::chmod((directory_ / "").c_str(), 0777), 0);
  }
  void give(uid_t user, gid_t group, mode_t mode) const {
    ASSERT_EQ(::chown(path_.c_str(), user, group), 0);
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
  }
  /// Saves in a child process that runs as another user.
  void put_as(uid_t user, gid_t group, const std::vector<gid_t>& others) const {
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setgroups(others.size(), others.data()) != 0 || ::setgid(group) != 0 || ::setuid(user) != 0) {
        ::_exit(2);
      }
      try {
        put(path_, "new");
      } catch (...) {
        ::_exit(3);
      }
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
  }
};

TEST_F(OwnedFile, StaysItsOwnersWhenRootSaves) {
  give(1234, 4321, 0640);
  put(path_, "new");
  EXPECT_EQ(info(path_).st_uid, 1234U);
  EXPECT_EQ(info(path_).st_gid, 4321U);
  EXPECT_EQ(mode(), 0640U);
}

TEST_F(OwnedFile, KeepsItsGroupWhenAMemberSaves) {
  give(1234, 4321, 0660);
  put_as(5678, 5678, {4321});
  EXPECT_EQ(info(path_).st_uid, 5678U) << "only root could keep the owner";
  EXPECT_EQ(info(path_).st_gid, 4321U);
  EXPECT_EQ(mode(), 0660U);
}

TEST_F(OwnedFile, KeepsItsModeWhenAnotherUserSaves) {
  give(1234, 4321, 0606);
  put_as(5678, 5678, {});
  EXPECT_EQ(info(path_).st_uid, 5678U);
  EXPECT_EQ(info(path_).st_gid, 5678U);
  EXPECT_EQ(mode(), 0606U);
}

TEST_F(OwnedFile, OfRootsOwnSaveIsRoots) {
  put(directory_ / "fresh", "x");
  EXPECT_EQ(info(directory_ / "fresh").st_uid, 0U);
}

TEST_F(FileAttributes, AHardLinkKeepsTheOldContent) {
  fs::create_hard_link(path_, directory_ / "other");
  put(path_, "newer");
  EXPECT_EQ(info(path_).st_size, 5);
  EXPECT_EQ(info(directory_ / "other").st_size, 3);
}

#if defined(__linux__)

class ExtendedAttributes : public FileAttributes {
 protected:
  void SetUp() override {
    if (::setxattr(path_.c_str(), "user.probe", "", 0, 0) != 0) {
      GTEST_SKIP() << "this file system has no extended attributes";
    }
  }
  static void set(const fs::path& path, const char* name, const std::string& value) {
    ASSERT_EQ(::setxattr(path.c_str(), name, value.data(), value.size(), 0), 0) << name;
  }
  /// Returns "none" if the attribute does not exist.
  static std::string get(const fs::path& path, const char* name) {
    char buffer[4096];
    const ssize_t size = ::getxattr(path.c_str(), name, buffer, sizeof buffer);
    return size < 0 ? "none" : std::string(buffer, static_cast<std::size_t>(size));
  }
  /// The kernel's format of system.posix_acl_access: version 2, then tag, permissions and id of each entry,
  /// little-endian.
  static std::string access_list(uid_t user, unsigned permissions) {
    std::string list("\2\0\0\0", 4);
    const auto add = [&](unsigned tag, unsigned allowed, std::uint32_t id) {
      list += {static_cast<char>(tag), '\0', static_cast<char>(allowed), '\0'};
      for (unsigned shift = 0; shift < 32; shift += 8) {
        list += static_cast<char>((id >> shift) & 255U);
      }
    };
    constexpr std::uint32_t kNobody = ~std::uint32_t{0};
    add(1, 6, kNobody);             // the owner
    add(2, permissions, user);      // another user
    add(4, 0, kNobody);             // the group
    add(16, permissions, kNobody);  // the mask
    add(32, 0, kNobody);            // others
    return list;
  }
};

constexpr char kAccess[] = "system.posix_acl_access";
constexpr char kDefault[] = "system.posix_acl_default";

TEST_F(ExtendedAttributes, Stay) {
  set(path_, "user.origin", "a training run");
  set(path_, "user.empty", "");
  set(path_, "user.long", std::string(2000, 'x'));
  put(path_, "new");
  put(path_, "newer");
  EXPECT_EQ(get(path_, "user.origin"), "a training run");
  EXPECT_EQ(get(path_, "user.empty"), "");
  EXPECT_EQ(get(path_, "user.long"), std::string(2000, 'x'));
  EXPECT_EQ(get(path_, "user.other"), "none");
}

/// Rights and signatures of the old content must not go to the new content.
TEST_F(ExtendedAttributes, OfTheContentDoNotStay) {
  // The kernel's format of security.capability: version 2 and CAP_NET_BIND_SERVICE, little-endian.
  const std::string capability("\0\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
  int present = 0;
  for (const auto& [name, value] : {std::pair{"security.capability", capability},
                                    {"security.ima", std::string("\1x", 2)},
                                    {"security.evm", std::string("\1x", 2)}}) {
    // Only root may set these attributes, and a kernel may refuse a false signature.
    present += ::setxattr(path_.c_str(), name, value.data(), value.size(), 0) == 0 ? 1 : 0;
  }
  if (present == 0) {
    GTEST_SKIP() << "this user cannot set attributes of security";
  }
  put(path_, "new");
  for (const char* name : {"security.capability", "security.ima", "security.evm"}) {
    EXPECT_EQ(get(path_, name), "none") << name;
  }
}

TEST_F(ExtendedAttributes, AccessControlListsStay) {
  const std::string list = access_list(1234, 6);
  set(path_, "user.first", "1");
  set(path_, kAccess, list);
  set(path_, "user.last", "2");
  EXPECT_EQ(mode(), 0660U) << "with an access list, the group bits are the mask";
  put(path_, "new");
  EXPECT_EQ(get(path_, kAccess), list);
  EXPECT_EQ(get(path_, "user.first"), "1");
  EXPECT_EQ(get(path_, "user.last"), "2");
  EXPECT_EQ(mode(), 0660U);
}

TEST_F(ExtendedAttributes, TheDirectorysDefaultListIsForNewFilesAlone) {
  ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
  set(directory_ / "", kDefault, access_list(1234, 6));
  put(path_, "new");
  EXPECT_EQ(get(path_, kAccess), "none");
  EXPECT_EQ(mode(), 0600U);
  put(directory_ / "fresh", "new");
  EXPECT_NE(get(directory_ / "fresh", kAccess), "none");
}

#endif

}  // namespace
}  // namespace backpass

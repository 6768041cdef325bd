// Every system call of a save and of a load fails once, with every kind of error: the file is the old one or the new
// one, no temporary file and no open file remain, and the next save succeeds.
#include "io/failing_calls.hpp"

#if defined(BACKPASS_TEST_FAILING_CALLS)

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <backpass/error.hpp>
#include <backpass/network.hpp>
#include <backpass/serialize.hpp>

#include "io/file.hpp"
#include "io/temporary_directory.hpp"

namespace backpass::io {
namespace {

namespace fs = std::filesystem;

std::string get(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void put(const fs::path& path, const std::string& text) {
  backpass::replace_file(path, std::as_bytes(std::span(text.data(), text.size())));
}
std::ptrdiff_t open_files() {
  const fs::directory_iterator files("/proc/self/fd");
  return std::distance(begin(files), end(files));
}

/// The outcome of an operation whose call number `number` fails.
struct Outcome {
  int error = 0;               ///< the code of the FileError, or 0
  const char* call = nullptr;  ///< the name of the call that failed, or null
};
Outcome outcome(int number, int code, const std::function<void()>& operation) {
  const test::FailingCall failing(number, code);
  try {
    operation();
    return {0, failing.name()};
  } catch (const FileError& error) {
    return {error.code(), failing.name()};
  }
}

const std::vector<int> kCodes{EIO, EACCES, EINVAL, EAGAIN, EINTR, EDQUOT};

/// Calls that repeat after EINTR.
bool repeats(const std::string& call) {
  return call == "open" || call == "flock" || call == "fsync" || call == "pread" || call == "write";
}

/// Calls check(number, code) for every code and every number, until it returns null: no call has failed.
void for_every_call(const std::function<const char*(int number, int code)>& check) {
  for (const int code : kCodes) {
    for (int number = 0; check(number, code) != nullptr; ++number) {
      ASSERT_LT(number, 1000);
    }
  }
}

/// The error that a save to a device or a load must report if `call` fails with `code`.
int expected_error(const char* call, int code, bool ignores_close) {
  const bool ignored = (code == EINTR && repeats(call)) || (std::string(call) == "close" && ignores_close);
  return ignored ? 0 : code;
}

/// Calls that decide whether a temporary file belongs to this process, or that remove it. The next save removes it.
bool may_leave_a_file(const std::string& call) {
  return call == "fstat" || call == "flock" || call == "lstat" || call == "unlink";
}

void check_saves(const std::function<void(const fs::path&)>& prepare) {
  for_every_call([&](int number, int code) {
    const test::TemporaryDirectory directory;
    const fs::path path = directory / "net";
    prepare(path);
    const std::string before = get(path);
    const auto names = directory.names();
    const auto files = open_files();
    const Outcome result = outcome(number, code, [&] { put(path, "new"); });
    const std::string call = result.call == nullptr ? "no call" : result.call;
    const std::string what = call + ", number " + std::to_string(number) + ", " + std::strerror(code);
    EXPECT_EQ(open_files(), files) << what;
    const std::string after = get(path);
    EXPECT_TRUE(after == before || after == "new") << what << ": " << after;
    if (result.error == 0) {
      EXPECT_EQ(after, "new") << what;
    } else {
      EXPECT_EQ(result.error, code) << what;
      EXPECT_TRUE(after == before || call == "fsync" || call == "open") << what;  // the flush of the directory
    }
    if (code == EINTR && repeats(call)) {
      EXPECT_EQ(result.error, 0) << what;
    }
    if (!may_leave_a_file(call)) {
      EXPECT_LE(directory.names().size(), std::max<std::size_t>(names.size(), 1)) << what;
    }
    put(path, "later");
    EXPECT_EQ(get(path), "later") << what;
    EXPECT_EQ(directory.names(), std::vector<std::string>{"net"}) << what;
    return result.call;
  });
}

TEST(FailingCalls, SaveOfANewFile) {
  check_saves([](const fs::path& /*path*/) {});
}

TEST(FailingCalls, SaveOverAFileWithAttributes) {
  check_saves([](const fs::path& path) {
    put(path, "old");
    ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
    (void)::setxattr(path.c_str(), "user.note", "text", 4, 0);  // not every file system has attributes
    (void)!::chown(path.c_str(), 65534, 65534);                 // only root can do this
  });
}

TEST(FailingCalls, SaveBesideTheTemporaryFileOfAKilledSave) {
  check_saves([](const fs::path& path) {
    fs::path temporary;
    replace_file(path, [&](Sink& /*sink*/) { temporary = fs::directory_iterator(path.parent_path())->path(); });
    std::ofstream(temporary) << "left";
  });
}

TEST(FailingCalls, SaveThroughALink) {
  for_every_call([](int number, int code) {
    const test::TemporaryDirectory directory;
    put(directory / "net", "old");
    fs::create_symlink("net", directory / "link");
    const Outcome result = outcome(number, code, [&] { put(directory / "link", "new"); });
    // EINVAL of these calls means that the path is not a link: then the save replaces it.
    const std::string call = result.call == nullptr ? "no call" : result.call;
    const bool is_not_a_link = code == EINVAL && (call == "lstat" || call == "readlink");
    EXPECT_TRUE(is_not_a_link || fs::is_symlink(directory / "link")) << call << ", number " << number;
    EXPECT_TRUE(get(directory / "net") == "old" || get(directory / "net") == "new") << number;
    return result.call;
  });
}

/// Between the first look at the path and the second, another process makes the link lead to itself.
TEST(FailingCalls, ALinkThatBecomesALoopIsAnError) {
  const test::TemporaryDirectory directory;
  fs::create_symlink("loop", directory / "loop");
  const test::FailingCall failing("stat", ENOENT);
  try {
    put(directory / "loop", "x");
    ADD_FAILURE();
  } catch (const FileError& error) {
    EXPECT_EQ(error.code(), ELOOP);
  }
  EXPECT_EQ(directory.names(), std::vector<std::string>{"loop"});
}

TEST(FailingCalls, AWriteOfNoBytesIsAnError) {
  const test::TemporaryDirectory directory;
  const test::FailingCall failing("write", 0, 0);
  try {
    put(directory / "net", "x");
    ADD_FAILURE();
  } catch (const FileError& error) {
    EXPECT_EQ(error.code(), EIO);
  }
  EXPECT_TRUE(directory.names().empty());
}

/// A save continues without an attribute that the user may not set or that the file system does not have.
TEST(FailingCalls, ARefusedAttributeDoesNotPreventASave) {
  for (const int code : {EPERM, EACCES, ENOTSUP, ENOSYS, EINVAL, ENODATA, ENOSPC, EDQUOT}) {
    for (const char* call : {"fsetxattr", "fremovexattr"}) {
      const test::TemporaryDirectory directory;
      const fs::path path = directory / "net";
      put(path, "old");
      if (::setxattr(path.c_str(), "user.note", "text", 4, 0) != 0) {
        GTEST_SKIP() << "this file system has no extended attributes";
      }
      const test::FailingCall failing(call, code);
      const bool is_full = code == ENOSPC || code == EDQUOT;
      try {
        put(path, "new");
        EXPECT_FALSE(is_full) << call;
      } catch (const FileError& error) {
        EXPECT_TRUE(is_full) << call << ": " << error.what();
        EXPECT_EQ(error.code(), code);
      }
      EXPECT_STREQ(failing.name(), call);
      EXPECT_EQ(get(path), is_full ? "old" : "new") << call;
    }
  }
}

/// Another user's file with the group of this process: the new file keeps the group and gets another owner.
TEST(FailingCalls, AnOwnerThatCannotBeKeptDoesNotPreventASave) {
  const test::TemporaryDirectory directory;
  const fs::path path = directory / "net";
  put(path, "old");
  if (::chown(path.c_str(), 1234, static_cast<gid_t>(-1)) != 0) {
    GTEST_SKIP() << "only root can give a file to another user";
  }
  const test::FailingCall failing("fchown", EPERM);
  put(path, "new");
  EXPECT_STREQ(failing.name(), "fchown");
  struct stat info{};
  EXPECT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, ::geteuid());
  EXPECT_EQ(info.st_gid, ::getegid());
}

/// A file system may lack the operations that make a file durable.
TEST(FailingCalls, AFlushThatTheFileSystemDoesNotHaveIsNotAnError) {
  for (const int code : {EINVAL, ENOTSUP}) {
    const test::TemporaryDirectory directory;
    const test::FailingCall failing("fsync", code);
    put(directory / "net", "x");
    EXPECT_STREQ(failing.name(), "fsync");
    EXPECT_EQ(get(directory / "net"), "x");
  }
}

/// The pipe is a device that a wrong save may replace without harm.
TEST(FailingCalls, SaveToAPipe) {
  for_every_call([](int number, int code) {
    const test::TemporaryDirectory directory;
    const fs::path path = directory / "pipe";
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
    EXPECT_GE(reader, 0);
    const auto files = open_files();
    const Outcome result = outcome(number, code, [&] { put(path, "x"); });
    EXPECT_EQ(open_files(), files) << number;
    ::close(reader);
    EXPECT_TRUE(fs::is_fifo(path)) << number;
    if (result.call != nullptr) {
      EXPECT_EQ(result.error, expected_error(result.call, code, code == EINTR)) << result.call;
    }
    return result.call;
  });
}

TEST(FailingCalls, Load) {
  const test::TemporaryDirectory directory;
  const fs::path path = directory / "net";
  Network<float> network({.sizes = {3, 4, 2}, .seed = 1});
  network.save(path);
  for_every_call([&](int number, int code) {
    const auto files = open_files();
    const Outcome result = outcome(number, code, [&] { (void)load_checkpoint<float>(path); });
    EXPECT_EQ(open_files(), files) << number;
    if (result.call != nullptr) {
      EXPECT_EQ(result.error, expected_error(result.call, code, true)) << result.call;
    }
    return result.call;
  });
}

}  // namespace
}  // namespace backpass::io

#endif

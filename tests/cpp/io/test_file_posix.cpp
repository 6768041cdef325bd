#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <backpass/error.hpp>
#include <backpass/serialize.hpp>

#include "io/file.hpp"
#include "io/temporary_directory.hpp"

namespace backpass::io {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

class ReplaceFile : public testing::Test {
 protected:
  static void put(const fs::path& path, const std::string& text) {
    backpass::replace_file(path, std::as_bytes(std::span(text.data(), text.size())));
  }
  static std::string get(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// The errno with which put() fails, or 0 if it succeeds.
  static int failure(const fs::path& path, const std::string& text) {
    try {
      put(path, text);
      return 0;
    } catch (const FileError& error) {
      EXPECT_EQ(error.path(), path.string());
      EXPECT_NE(std::string(error.what()).find(path.string()), std::string::npos);
      return error.code();
    }
  }
  static unsigned mode(const fs::path& path) {
    struct stat info{};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_mode & 0777U;
  }

  test::TemporaryDirectory directory_;
};

TEST_F(ReplaceFile, WritesAndReplaces) {
  put(directory_ / "a", "first");
  EXPECT_EQ(get(directory_ / "a"), "first");
  put(directory_ / "a", "");
  EXPECT_EQ(get(directory_ / "a"), "");
  put(directory_ / "a", "third");
  EXPECT_EQ(get(directory_ / "a"), "third");
  EXPECT_EQ(directory_.names(), Names{"a"});
}

TEST_F(ReplaceFile, TakesNamesInTheCurrentDirectoryAndNamesAsLongAsTheyMayBe) {
  const fs::path before = fs::current_path();
  fs::current_path(directory_ / "");
  put("relative", "x");
  fs::current_path(before);
  EXPECT_EQ(get(directory_ / "relative"), "x");
  const std::string longest(255, 'n');
  put(directory_ / longest, "y");
  EXPECT_EQ(get(directory_ / longest), "y");
}

TEST_F(ReplaceFile, KeepsTheModeOfTheOldFileAndFollowsTheUmaskForANewOne) {
  const mode_t before = ::umask(027);
  put(directory_ / "new", "x");
  EXPECT_EQ(mode(directory_ / "new"), 0640U);
  ::chmod((directory_ / "new").c_str(), 0666);
  put(directory_ / "new", "y");
  EXPECT_EQ(mode(directory_ / "new"), 0666U);
  ::chmod((directory_ / "new").c_str(), 0600);
  put(directory_ / "new", "z");
  EXPECT_EQ(mode(directory_ / "new"), 0600U);
  ::umask(before);
}

TEST_F(ReplaceFile, ReplacesWhatASymbolicLinkLeadsTo) {
  fs::create_directory(directory_ / "sub");
  put(directory_ / "sub/target", "old");
  fs::create_symlink("sub/target", directory_ / "link");
  fs::create_symlink(directory_ / "link", directory_ / "link_to_link");
  put(directory_ / "link_to_link", "new");
  EXPECT_TRUE(fs::is_symlink(directory_ / "link"));
  EXPECT_TRUE(fs::is_symlink(directory_ / "link_to_link"));
  EXPECT_FALSE(fs::is_symlink(directory_ / "sub/target"));
  EXPECT_EQ(get(directory_ / "sub/target"), "new");

  fs::create_symlink("sub/not_yet", directory_ / "dangling");
  put(directory_ / "dangling", "made");
  EXPECT_TRUE(fs::is_symlink(directory_ / "dangling"));
  EXPECT_EQ(get(directory_ / "sub/not_yet"), "made");

  fs::create_symlink("loop", directory_ / "loop");
  EXPECT_EQ(failure(directory_ / "loop", "x"), ELOOP);
}

TEST_F(ReplaceFile, FollowsAsManyLinksAsTheSystem) {
  put(directory_ / "0", "old");
  int links = 0;  // the longest chain that the system follows
  for (std::error_code error; !error && links < 1000; ++links) {
    fs::create_symlink(std::to_string(links), directory_ / std::to_string(links + 1));
    (void)fs::file_size(directory_ / std::to_string(links + 1), error);
  }
  --links;
  put(directory_ / std::to_string(links), "new");
  EXPECT_EQ(get(directory_ / "0"), "new") << links << " links";
  EXPECT_EQ(failure(directory_ / std::to_string(links + 1), "x"), ELOOP);
}

TEST_F(ReplaceFile, FailsWithTheErrnoAndLeavesNothingBehind) {
  put(directory_ / "file", "old");
  EXPECT_EQ(failure(directory_ / "file/below", "x"), ENOTDIR);
  EXPECT_EQ(failure(directory_ / "missing/file", "x"), ENOENT);
  EXPECT_EQ(failure(directory_ / std::string(256, 'n'), "x"), ENAMETOOLONG);
  fs::create_directory(directory_ / "sub");
  EXPECT_EQ(failure(directory_ / "sub", "x"), EISDIR);
  EXPECT_EQ(failure("", "x"), ENOENT);
  EXPECT_EQ(directory_.names(), (Names{"file", "sub"}));
  EXPECT_EQ(get(directory_ / "file"), "old");
}

TEST_F(ReplaceFile, AWriteThatFailsHalfWayLeavesTheOldFile) {
  put(directory_ / "file", "old");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto signal_before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit = before;
  limit.rlim_cur = 10'000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  const int large = failure(directory_ / "file", std::string(20'000, 'x'));
  const int fresh = failure(directory_ / "fresh", std::string(20'000, 'x'));
  const int fits = failure(directory_ / "fits", std::string(10'000, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, signal_before);
  EXPECT_EQ(large, EFBIG);
  EXPECT_EQ(fresh, EFBIG);
  EXPECT_EQ(fits, 0);
  EXPECT_EQ(get(directory_ / "file"), "old");
  EXPECT_EQ(directory_.names(), (Names{"file", "fits"}));
}

TEST_F(ReplaceFile, WritesToDevicesInsteadOfReplacingThem) {
  if (!fs::exists("/dev/full")) {
    GTEST_SKIP() << "there is no /dev/full";
  }
  EXPECT_EQ(failure("/dev/full", "x"), ENOSPC);
  put("/dev/null", "x");
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(ReplaceFile, ManyWritersAtOnceLeaveOneWholeFile) {
  constexpr std::size_t kSize = 100'000;
  const fs::path path = directory_ / "contended";
  put(path, std::string(kSize, 'A'));
  std::vector<std::thread> writers;
  for (char c = 'B'; c < 'F'; ++c) {
    writers.emplace_back([&path, c] {
      for (int i = 0; i < 10; ++i) {
        put(path, std::string(kSize, c));
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    const std::string seen = get(path);
    ASSERT_EQ(seen, std::string(kSize, seen.empty() ? '?' : seen.front()));
  }
  for (std::thread& writer : writers) {
    writer.join();
  }
  EXPECT_EQ(directory_.names(), Names{"contended"});
}

TEST_F(ReplaceFile, InputFileReadsAndRefuses) {
  put(directory_ / "file", "0123456789");
  InputFile file(directory_ / "file");
  EXPECT_EQ(file.size(), 10U);
  std::byte buffer[8] = {};
  file.read(1, buffer);
  EXPECT_EQ(buffer[0], std::byte{'1'});
  EXPECT_EQ(buffer[7], std::byte{'8'});
  file.read(2, buffer);
  EXPECT_EQ(buffer[7], std::byte{'9'});
  EXPECT_THROW(file.read(3, buffer), FormatError) << "the file is shorter";
  EXPECT_THROW(file.read(100, buffer), FormatError);

  const auto failure_to_open = [](const fs::path& path) {
    try {
      const InputFile opened(path);
      return 0;
    } catch (const FileError& error) {
      return error.code();
    }
  };
  EXPECT_EQ(failure_to_open(directory_ / "missing"), ENOENT);
  EXPECT_EQ(failure_to_open(directory_ / "file/below"), ENOTDIR);
  EXPECT_EQ(failure_to_open(directory_ / ""), EISDIR);
  ASSERT_EQ(::mkfifo((directory_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(failure_to_open(directory_ / "pipe"), ESPIPE) << "opening a pipe must not hang";
}

}  // namespace
}  // namespace backpass::io

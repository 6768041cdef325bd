// Saving and loading through the calls of Windows.
#include <atomic>
#include <cerrno>
#include <fstream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <backpass/error.hpp>
#include <backpass/serialize.hpp>

#include "base/windows.hpp"
#include "io/file.hpp"
#include "io/temporary_directory.hpp"
#include "io/temporary_name.hpp"
#include "io/text.hpp"

namespace backpass::io {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

void put(const fs::path& path, const std::string& text) {
  backpass::replace_file(path, std::as_bytes(std::span(text.data(), text.size())));
}

std::string get(const fs::path& path) {
  InputFile file(path);
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read(0, std::as_writable_bytes(std::span(text.data(), text.size())));
  return text;
}

/// The errno with which a call fails, or 0 if it succeeds. The error must name the path.
template <class F>
int failure(const fs::path& path, F call) {
  try {
    call();
    return 0;
  } catch (const FileError& error) {
    EXPECT_EQ(error.path(), path_text(path));
    EXPECT_NE(std::string(error.what()).find(path_text(path)), std::string::npos);
    return error.code();
  }
}

/// A handle that is closed at the end.
class Open {
 public:
  Open(const fs::path& path, DWORD share)
      : handle_(
            ::CreateFileW(path.c_str(), GENERIC_READ, share, nullptr, OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, nullptr)) {
    EXPECT_NE(handle_, INVALID_HANDLE_VALUE);
  }
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
  ~Open() { ::CloseHandle(handle_); }

 private:
  HANDLE handle_;
};

class ReplaceFile : public testing::Test {
 protected:
  test::TemporaryDirectory directory_;
};

TEST_F(ReplaceFile, WritesAndReplaces) {
  for (const char* text : {"first", "", "third"}) {
    put(directory_ / "a", text);
    EXPECT_EQ(get(directory_ / "a"), text);
    EXPECT_EQ(directory_.names(), Names{"a"});
  }
}

TEST_F(ReplaceFile, TakesRelativeNamesAndNamesOfOtherLanguages) {
  const fs::path before = fs::current_path();
  fs::current_path(directory_ / "");
  put("relative", "x");
  const fs::path japanese(u8"逆伝播 é.safetensors");
  put(japanese, "y");
  EXPECT_EQ(get(japanese), "y");
  const fs::path missing(u8"逆");
  EXPECT_EQ(failure(missing, [&] { get(missing); }), ENOENT);
  fs::current_path(before);
  EXPECT_EQ(get(directory_ / "relative"), "x");
}

TEST_F(ReplaceFile, AFailedWriteKeepsTheOldFileAndLeavesNoOther) {
  put(directory_ / "a", "old");
  const auto fail = [](Sink& sink) {
    const std::vector<std::byte> bytes(3 << 20);
    sink.write(bytes);
    throw std::runtime_error("no more");
  };
  EXPECT_THROW(io::replace_file(directory_ / "a", fail), std::runtime_error);
  EXPECT_EQ(get(directory_ / "a"), "old");
  EXPECT_EQ(directory_.names(), Names{"a"});
}

TEST_F(ReplaceFile, RemovesTheFileOfAKilledProcessAndNoOther) {
  const fs::path target = directory_ / "a";
  const fs::path stale = temporary_name(target, 3);
  const fs::path used = temporary_name(target, 0);
  std::ofstream(stale) << "x";
  {
    const Open writer(used, 0);
    put(target, "new");
    EXPECT_EQ(directory_.names(), (Names{used.filename().string(), "a"}));
  }
  put(target, "newer");
  EXPECT_EQ(directory_.names(), Names{"a"});
}

TEST_F(ReplaceFile, SavesWhileAllFixedNamesAreInUse) {
  const fs::path target = directory_ / "a";
  std::vector<std::unique_ptr<Open>> others;
  for (unsigned i = 0; i < kTemporaryNames; ++i) {
    others.push_back(std::make_unique<Open>(temporary_name(target, i), 0));
  }
  put(target, "new");
  EXPECT_EQ(get(target), "new");
  EXPECT_EQ(directory_.names().size(), kTemporaryNames + 1);
}

TEST_F(ReplaceFile, RefusesReadOnlyFilesDirectoriesAndMissingFolders) {
  const fs::path file = directory_ / "a";
  put(file, "old");
  ::SetFileAttributesW(file.c_str(), FILE_ATTRIBUTE_READONLY);
  EXPECT_EQ(failure(file, [&] { put(file, "new"); }), EACCES);
  ::SetFileAttributesW(file.c_str(), FILE_ATTRIBUTE_NORMAL);
  EXPECT_EQ(get(file), "old");
  const fs::path folder = directory_ / "folder";
  fs::create_directory(folder);
  EXPECT_EQ(failure(folder, [&] { put(folder, "x"); }), EISDIR);
  EXPECT_EQ(failure(folder, [&] { get(folder); }), EISDIR);
  const fs::path nowhere = directory_ / "missing" / "a";
  EXPECT_EQ(failure(nowhere, [&] { put(nowhere, "x"); }), ENOENT);
  EXPECT_EQ(directory_.names(), (Names{"a", "folder"}));
}

TEST_F(ReplaceFile, KeepsTheAttributesOfTheOldFile) {
  const fs::path file = directory_ / "a";
  put(file, "old");
  ::SetFileAttributesW(file.c_str(), FILE_ATTRIBUTE_HIDDEN);
  put(file, "new");
  EXPECT_EQ(get(file), "new");
  EXPECT_NE(::GetFileAttributesW(file.c_str()) & FILE_ATTRIBUTE_HIDDEN, 0U);
}

TEST_F(ReplaceFile, WritesToADevice) {
  put("NUL", "nothing");
  EXPECT_TRUE(directory_.names().empty());
}

TEST_F(ReplaceFile, AFileInUseByAnotherProgramIsAnErrorAndStays) {
  const fs::path file = directory_ / "a";
  put(file, "old");
  {
    const Open reader(file, FILE_SHARE_READ);
    EXPECT_NE(failure(file, [&] { put(file, "new"); }), 0);
  }
  EXPECT_EQ(get(file), "old");
  EXPECT_EQ(directory_.names(), Names{"a"});
}

TEST_F(ReplaceFile, ReadersAndWritersOfTheSameFileFindItComplete) {
  const fs::path file = directory_ / "a";
  const std::string texts[] = {std::string(3 << 20, 'x'), std::string(5 << 20, 'y')};
  put(file, texts[0]);
  std::atomic<int> writers{2};
  const auto write = [&](const std::string& text) {
    for (int i = 0; i < 20; ++i) {
      put(file, text);
    }
    --writers;
  };
  std::thread first(write, texts[0]);
  std::thread second(write, texts[1]);
  int reads = 0;
  for (; writers > 0; ++reads) {
    const std::string text = get(file);
    ASSERT_TRUE(text == texts[0] || text == texts[1]);
  }
  first.join();
  second.join();
  EXPECT_GT(reads, 0);
  EXPECT_EQ(directory_.names(), Names{"a"});
}

TEST(InputFile, ReadsAtAnyOffsetAndNotifiesOfTheEnd) {
  const test::TemporaryDirectory directory;
  put(directory / "a", "0123456789");
  InputFile file(directory / "a");
  EXPECT_EQ(file.size(), 10U);
  std::string text(4, ' ');
  const auto buffer = std::as_writable_bytes(std::span(text.data(), text.size()));
  file.read(5, buffer);
  EXPECT_EQ(text, "5678");
  EXPECT_THROW(file.read(7, buffer), FormatError);
  EXPECT_THROW(file.read(std::uint64_t{1} << 40U, buffer), FormatError);
}

}  // namespace
}  // namespace backpass::io

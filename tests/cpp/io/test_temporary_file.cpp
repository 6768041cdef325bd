/// Temporary files that an interrupted save leaves, and their removal by a later save.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <backpass/serialize.hpp>

#include "io/file.hpp"
#include "io/temporary_directory.hpp"

namespace backpass::io {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

class TemporaryFiles : public testing::Test {
 protected:
  void put(const std::string& text) const {
    backpass::replace_file(path_, std::as_bytes(std::span(text.data(), text.size())));
  }
  [[nodiscard]] std::string get() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// A process that has begun a save and waits. end() kills it and waits for its end.
  class Saver {
   public:
    explicit Saver(const fs::path& path) {
      int ready[2];
      EXPECT_EQ(::pipe(ready), 0);
      child_ = ::fork();
      if (child_ == 0) {
        replace_file(path, [&](Sink& sink) {
          const std::byte half[3] = {};
          sink.write(half);
          (void)!::write(ready[1], "x", 1);
          ::pause();
        });
        ::_exit(0);
      }
      ::close(ready[1]);
      char x = 0;
      EXPECT_EQ(::read(ready[0], &x, 1), 1);
      ::close(ready[0]);
    }
    Saver(const Saver&) = delete;
    Saver& operator=(const Saver&) = delete;
    ~Saver() { end(); }
    void end() {
      if (child_ > 0) {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
        child_ = 0;
      }
    }

   private:
    pid_t child_ = 0;
  };

  test::TemporaryDirectory directory_;
  fs::path path_ = directory_ / "model";
};

TEST_F(TemporaryFiles, OfAKilledProcessAreRemovedByTheNextSave) {
  put("old");
  Saver saver(path_);
  ASSERT_EQ(directory_.names().size(), 2U);
  EXPECT_EQ(directory_.names()[0].rfind(".backpass-", 0), 0U);
  saver.end();
  EXPECT_EQ(get(), "old");
  EXPECT_EQ(directory_.names().size(), 2U);
  backpass::replace_file(directory_ / "another", {});
  EXPECT_EQ(directory_.names().size(), 3U) << "a save of another file does not touch it";
  put("new");
  EXPECT_EQ(get(), "new");
  EXPECT_EQ(directory_.names(), (Names{"another", "model"}));
}

TEST_F(TemporaryFiles, OfManyKilledProcessesAreRemovedByTheNextSave) {
  {
    std::vector<std::unique_ptr<Saver>> savers;
    for (int i = 0; i < 40; ++i) {  // more than the names that a save checks
      savers.push_back(std::make_unique<Saver>(path_));
    }
    EXPECT_EQ(directory_.names().size(), 40U);
    put("new");
    EXPECT_EQ(directory_.names().size(), 41U) << "files of living processes stay";
  }
  put("newer");
  EXPECT_EQ(get(), "newer");
  EXPECT_EQ(directory_.names().size(), 1U + 8U) << "names of the 33rd and later writers to one path are not checked";
}

TEST_F(TemporaryFiles, OfARunningProcessAreKept) {
  Saver saver(path_);
  put("new");
  EXPECT_EQ(directory_.names().size(), 2U);
  saver.end();
  put("newer");
  EXPECT_EQ(directory_.names(), Names{"model"});
}

TEST_F(TemporaryFiles, AreNotMistakenForWhatElseHasTheName) {
  std::string name;
  {
    const Saver saver(path_);
    name = directory_.names().at(0);
  }
  ASSERT_TRUE(fs::remove(directory_ / name));
  // A directory, and a link to a file of another owner.
  ASSERT_TRUE(fs::create_directory(directory_ / name));
  put("new");
  EXPECT_TRUE(fs::is_directory(directory_ / name));
  ASSERT_TRUE(fs::remove(directory_ / name));
  std::ofstream(directory_ / "precious") << "x";
  fs::create_symlink("precious", directory_ / name);
  put("newer");
  EXPECT_TRUE(fs::is_symlink(directory_ / name));
  EXPECT_TRUE(fs::exists(directory_ / "precious"));
  EXPECT_EQ(get(), "newer");
}

TEST_F(TemporaryFiles, AreRemovedWhenTheWriterThrows) {
  put("old");
  const auto stop = [](Sink& sink) {
    sink.write(std::vector<std::byte>(1000));
    throw std::domain_error("stop");
  };
  EXPECT_THROW(replace_file(path_, stop), std::domain_error);
  EXPECT_EQ(get(), "old");
  EXPECT_EQ(directory_.names(), Names{"model"});
}

/// Some savers are killed while other savers save and remove temporary files. No save may fail or mix contents.
TEST_F(TemporaryFiles, KilledSaversAndSaversThatRemoveFilesDoNotDisturbEachOther) {
  put(std::string(1000, 'a'));
  std::vector<pid_t> children;
  for (char c = 'b'; c < 'h'; ++c) {
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        for (int i = 0; i < 60; ++i) {
          if (i % 10 == 9 && ::fork() == 0) {
            replace_file(path_, [](Sink&) { ::raise(SIGKILL); });
          }
          put(std::string(1000, c));
          const std::string seen = get();
          if (seen != std::string(1000, seen.empty() ? '?' : seen.front())) {
            ::_exit(2);
          }
        }
      } catch (...) {
        ::_exit(3);
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  ::usleep(100'000);  // time for killed grandchildren to end; only init can wait for them
  put("last");
  EXPECT_EQ(get(), "last");
  EXPECT_EQ(directory_.names(), Names{"model"});
}

}  // namespace
}  // namespace backpass::io

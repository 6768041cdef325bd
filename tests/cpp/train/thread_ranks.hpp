/// Ranks of one process: each is a thread with a communicator.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <backpass/communicator.hpp>

namespace backpass {

/// The messages between ranks.
class Mail {
 public:
  void put(int from, int to, std::vector<std::byte> bytes) {
    const std::lock_guard lock(mutex_);
    boxes_[{from, to}].push_back(std::move(bytes));
    ready_.notify_all();
  }
  std::vector<std::byte> take(int from, int to) {
    std::unique_lock lock(mutex_);
    auto& box = boxes_[{from, to}];
    // No test waits for ever: a rank that has ended leaves its partner without a message.
    if (!ready_.wait_for(lock, std::chrono::seconds(60), [&] { return !box.empty(); })) {
      throw std::logic_error("no message");
    }
    std::vector<std::byte> bytes = std::move(box.front());
    box.erase(box.begin());
    return bytes;
  }
  /// Whether every message was taken.
  [[nodiscard]] bool is_empty() {
    const std::lock_guard lock(mutex_);
    return std::all_of(boxes_.begin(), boxes_.end(), [](const auto& box) { return box.second.empty(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::map<std::pair<int, int>, std::vector<std::vector<std::byte>>> boxes_;
};

class ThreadRank : public Communicator {
 public:
  ThreadRank(Mail& mail, int rank, int size) : mail_(mail), rank_(rank), size_(size) {}
  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }
  void exchange(int partner, std::span<const std::byte> send, std::span<std::byte> receive) override {
    mail_.put(rank_, partner, {send.begin(), send.end()});
    const std::vector<std::byte> bytes = mail_.take(partner, rank_);
    ASSERT_EQ(bytes.size(), receive.size());
    std::copy(bytes.begin(), bytes.end(), receive.begin());
  }

 private:
  Mail& mail_;
  int rank_;
  int size_;
};

/// Calls work(communicator) on each rank. \returns the message of each rank's exception, or empty
inline std::vector<std::string> on_ranks(int size, const std::function<void(Communicator&)>& work) {
  Mail mail;
  std::vector<std::string> errors(static_cast<std::size_t>(size));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      ThreadRank communicator(mail, rank, size);
      try {
        work(communicator);
      } catch (const std::exception& error) {
        errors[static_cast<std::size_t>(rank)] = error.what();
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_TRUE(mail.is_empty());
  return errors;
}

}  // namespace backpass

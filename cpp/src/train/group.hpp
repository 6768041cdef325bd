/// The processes of one training, and what they exchange.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <backpass/communicator.hpp>

namespace backpass::train {

/// Every call here, except fail(), is made by all ranks in the same order. If one rank fails between two calls, it
/// makes the call fail() instead of its next one. The next call of the other ranks then throws, so that no rank waits
/// for ever.
class Group {
 public:
  /// \param communicator  null: one process
  /// \throws std::invalid_argument unless the number of ranks is a power of two
  explicit Group(Communicator* communicator);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t rank() const noexcept { return rank_; }
  [[nodiscard]] bool is_alone() const noexcept { return size_ == 1; }

  /// Tells the other ranks that this rank ends with an error. Does nothing if the error came from this class.
  void fail(std::string_view text) noexcept;
  struct Agreement {
    double sum = 0.0;   ///< of all ranks, in the order of the tree
    bool stop = false;  ///< whether a rank stops the training
  };
  Agreement agree(double value = 0.0, bool stop = false);

  /// v = Σ of all ranks' v, in the order of the tree. All ranks have the same size. Each rank sends and receives
  /// 2 (1 − 1/R) of the elements.
  template <class N>
  void sum(std::span<N> v);
  /// The same directly after agree(), and after reserve() for this number of elements.
  template <class N>
  void sum_agreed(std::span<N> v);
  template <class N>
  void reserve(std::size_t size) {
    if (is_alone()) {
      return;
    }
    received_.resize(std::max(received_.size(), (size + 1) / 2 * sizeof(N)));
  }
  /// Replaces each element by the largest one of all ranks.
  void max(std::span<double> v);
  /// All ranks receive the bytes of rank 0.
  void broadcast(std::span<std::byte> bytes);
  /// The bytes of all ranks, in the order of the ranks.
  [[nodiscard]] std::vector<std::byte> gather(std::span<const std::byte> bytes);
  /// Sends to[r] to rank r. \returns what the ranks have sent to this one, in the order of the ranks
  [[nodiscard]] std::vector<std::vector<std::byte>> distribute(std::vector<std::vector<std::byte>> to);
  /// This rank's counts of each rank: one element per rank.
  [[nodiscard]] std::vector<std::size_t> counts(std::size_t own);
  /// \throws std::invalid_argument on every rank unless all ranks have equal items. The message has the first item that
  ///         differs
  /// \param what  "other …": what is wrong then
  void require_same(const std::string& what, const std::vector<std::string>& items);

 private:
  /// As Communicator::exchange(), for any length.
  void exchange(std::size_t partner, std::span<const std::byte> send, std::span<std::byte> receive);
  /// What is exchanged before every other exchange.
  struct Status {
    double sum, failed, stop;
  };
  Status combine(Status status);
  /// The first rank that failed, and its text.
  /// \param own  the text of this rank, or null
  [[nodiscard]] std::string failure(const std::string_view* own);

  Communicator* communicator_;
  std::size_t rank_ = 0;
  std::size_t size_ = 1;
  bool broken_ = false;
  std::vector<std::byte> received_;
};

}  // namespace backpass::train

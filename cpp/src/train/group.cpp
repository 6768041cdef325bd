#include "train/group.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "base/floating_point_mode.hpp"
#include "base/require.hpp"
#include "kernels/dispatch.hpp"

namespace backpass {

Communicator::~Communicator() = default;

namespace train {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 30;
/// The longest message of an error that the other ranks receive.
constexpr std::size_t kTextBytes = 1024;

}  // namespace

Group::Group(Communicator* communicator) : communicator_(communicator) {
  if (communicator == nullptr) {
    return;
  }
  rank_ = static_cast<std::size_t>(communicator->rank());
  size_ = static_cast<std::size_t>(communicator->size());
  require(std::has_single_bit(size_),
          "communicator: the number of processes must be a power of two, not " + std::to_string(communicator->size()));
}

void Group::exchange(std::size_t partner, std::span<const std::byte> send, std::span<std::byte> receive) {
  try {
    do {
      const std::size_t out = std::min(send.size(), kMostBytes);
      const std::size_t in = std::min(receive.size(), kMostBytes);
      in_callers_mode([&] { communicator_->exchange(static_cast<int>(partner), send.first(out), receive.first(in)); });
      send = send.subspan(out);
      receive = receive.subspan(in);
    } while (!send.empty() || !receive.empty());
  } catch (...) {
    broken_ = true;
    throw;
  }
}

Group::Status Group::combine(Status status) {
  for (std::size_t bit = 1; bit < size_; bit *= 2) {
    Status other{};
    exchange(rank_ ^ bit, std::as_bytes(std::span(&status, 1)), std::as_writable_bytes(std::span(&other, 1)));
    status = {status.sum + other.sum, status.failed + other.failed, status.stop + other.stop};
  }
  return status;
}

std::string Group::failure(const std::string_view* own) {
  struct Text {
    std::uint64_t rank;
    std::array<char, kTextBytes> text;
  };
  Text text{own == nullptr ? size_ : rank_, {}};
  if (own != nullptr) {
    // The first paragraph: the text of a Python exception has its traceback after it.
    const std::string_view message = own->substr(0, own->find("\n\n"));
    std::size_t length = std::min(message.size(), kTextBytes - 1);
    while (length < message.size() && length > 0 && (static_cast<unsigned char>(message[length]) & 0xC0U) == 0x80U) {
      --length;  // a character of UTF-8 is not cut
    }
    message.copy(text.text.data(), length);
  }
  for (std::size_t bit = 1; bit < size_; bit *= 2) {
    Text other{};
    exchange(rank_ ^ bit, std::as_bytes(std::span(&text, 1)), std::as_writable_bytes(std::span(&other, 1)));
    text = other.rank < text.rank ? other : text;
  }
  return "rank " + std::to_string(text.rank) + ": " + text.text.data();
}

void Group::fail(std::string_view text) noexcept {
  if (is_alone() || broken_) {
    return;
  }
  try {
    combine({0.0, 1.0, 0.0});
    (void)failure(&text);
  } catch (...) {  // NOLINT(bugprone-empty-catch): the caller has an error already
  }
  broken_ = true;
}

Group::Agreement Group::agree(double value, bool stop) {
  const Status status = combine({value, 0.0, stop ? 1.0 : 0.0});
  if (status.failed > 0.0) {
    const std::string text = failure(nullptr);
    broken_ = true;
    throw std::runtime_error(text);
  }
  return {status.sum, status.stop > 0.0};
}

template <class N>
void Group::sum(std::span<N> v) {
  reserve<N>(v.size());
  agree();
  sum_agreed(v);
}

template <class N>
void Group::sum_agreed(std::span<N> v) {
  // Each rank keeps a half of the elements, then a quarter, …, with the sums of 2, 4, … ranks.
  std::array<std::pair<std::size_t, std::size_t>, std::numeric_limits<std::size_t>::digits> outer;
  std::size_t depth = 0;
  std::size_t begin = 0;
  std::size_t end = v.size();
  for (std::size_t bit = 1; bit < size_; bit *= 2) {
    const std::size_t middle = begin + (end - begin) / 2;
    const bool lower = (rank_ & bit) == 0;
    outer[depth++] = {begin, end};
    const auto send = lower ? v.subspan(middle, end - middle) : v.subspan(begin, middle - begin);
    (lower ? end : begin) = middle;
    const std::size_t count = end - begin;
    exchange(rank_ ^ bit, std::as_bytes(send), std::span(received_).first(count * sizeof(N)));
    // received_ comes from operator new, so its bytes are aligned for numbers.
    kernels::table<N>().add(static_cast<kernels::Index>(count), reinterpret_cast<const N*>(received_.data()),
                            v.data() + begin);
  }
  for (std::size_t bit = size_ / 2; bit > 0; bit /= 2) {
    const auto [outer_begin, outer_end] = outer[--depth];
    const auto own = v.subspan(begin, end - begin);
    const auto other =
        begin == outer_begin ? v.subspan(end, outer_end - end) : v.subspan(outer_begin, begin - outer_begin);
    exchange(rank_ ^ bit, std::as_bytes(own), std::as_writable_bytes(other));
    begin = outer_begin;
    end = outer_end;
  }
}
template void Group::sum(std::span<float>);
template void Group::sum(std::span<double>);
template void Group::sum_agreed(std::span<float>);
template void Group::sum_agreed(std::span<double>);

void Group::max(std::span<double> v) {
  if (is_alone()) {
    return;
  }
  std::vector<double> other(v.size());
  agree();
  for (std::size_t bit = 1; bit < size_; bit *= 2) {
    exchange(rank_ ^ bit, std::as_bytes(v), std::as_writable_bytes(std::span(other)));
    std::transform(v.begin(), v.end(), other.begin(), v.begin(), [](double a, double b) { return std::max(a, b); });
  }
}

void Group::broadcast(std::span<std::byte> bytes) {
  if (is_alone()) {
    return;
  }
  agree();
  for (std::size_t bit = 1; bit < size_; bit *= 2) {
    if (rank_ < bit) {
      exchange(rank_ + bit, bytes, {});
    } else if (rank_ < 2 * bit) {
      exchange(rank_ - bit, {}, bytes);
    }
  }
}

std::vector<std::size_t> Group::counts(std::size_t own) {
  std::vector<double> numbers(size_);
  numbers[rank_] = static_cast<double>(own);
  sum(std::span(numbers));
  std::vector<std::size_t> counts(size_);
  std::transform(numbers.begin(), numbers.end(), counts.begin(), [](double n) { return static_cast<std::size_t>(n); });
  return counts;
}

std::vector<std::byte> Group::gather(std::span<const std::byte> bytes) {
  std::vector<std::size_t> starts{0};
  for (const std::size_t count : counts(bytes.size())) {
    starts.push_back(starts.back() + count);
  }
  std::vector<std::byte> all(starts.back());
  std::copy(bytes.begin(), bytes.end(), all.begin() + static_cast<std::ptrdiff_t>(starts[rank_]));
  agree();
  const auto of_ranks = [&](std::size_t first, std::size_t count) {
    return std::span(all).subspan(starts[first], starts[first + count] - starts[first]);
  };
  for (std::size_t bit = 1; bit < size_; bit *= 2) {
    const std::size_t own = rank_ / bit * bit;
    exchange(rank_ ^ bit, of_ranks(own, bit), of_ranks(own ^ bit, bit));
  }
  return all;
}

std::vector<std::vector<std::byte>> Group::distribute(std::vector<std::vector<std::byte>> to) {
  std::vector<std::vector<std::byte>> from(size_);
  from[rank_] = std::move(to[rank_]);
  for (std::size_t bits = 1; bits < size_; ++bits) {
    const std::size_t partner = rank_ ^ bits;
    agree();
    const std::uint64_t sent = to[partner].size();
    std::uint64_t received = 0;
    exchange(partner, std::as_bytes(std::span(&sent, 1)), std::as_writable_bytes(std::span(&received, 1)));
    from[partner].resize(received);
    agree();
    exchange(partner, to[partner], from[partner]);
    to[partner] = {};
  }
  return from;
}

void Group::require_same(const std::string& what, const std::vector<std::string>& items) {
  if (is_alone()) {
    return;
  }
  std::string own;
  for (const std::string& item : items) {
    own += item + '\n';
  }
  const std::vector<std::size_t> lengths = counts(own.size());
  const std::vector<std::byte> all = gather(std::as_bytes(std::span(own)));
  std::string_view texts(reinterpret_cast<const char*>(all.data()), all.size());
  const std::string_view expected = texts.substr(0, lengths[0]);
  for (std::size_t r = 0; r < size_; ++r) {
    const std::string_view text = texts.substr(0, lengths[r]);
    texts.remove_prefix(lengths[r]);
    const auto differs = std::ranges::mismatch(text, expected);
    if (differs.in1 != text.end() || differs.in2 != expected.end()) {
      const auto at = static_cast<std::size_t>(differs.in1 - text.begin());
      const auto item = [at](std::string_view list) {
        const std::size_t begin = at == 0 ? 0 : list.rfind('\n', at - 1) + 1;
        return std::string(list.substr(begin, list.find('\n', begin) - begin));
      };
      throw std::invalid_argument("rank " + std::to_string(r) + " has " + what + " than rank 0: " + item(text) +
                                  ", not " + item(expected));
    }
  }
}

}  // namespace train

void report_failure(Communicator& communicator, std::string_view text) noexcept {
  try {
    train::Group(&communicator).fail(text);
  } catch (...) {  // NOLINT(bugprone-empty-catch): the caller has an error already
  }
}

}  // namespace backpass

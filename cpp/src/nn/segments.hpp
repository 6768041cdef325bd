/// Gradients of a long batch, summed in segments: the order of the sum depends on shapes alone, and segments can run in
/// parallel.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "kernels/dispatch.hpp"
#include "nn/model.hpp"
#include "runtime/team.hpp"

namespace backpass::nn {

template <class T>
class SegmentedGradient {
 public:
  /// How many parts the sum over a batch's rows is made of; 1: none, the sum is one run over all rows.
  [[nodiscard]] static std::size_t count(const Model<T>& model, std::size_t rows) noexcept {
    // A thread that sums over its own rows need not fetch the others' activations. Each segment must have enough rows
    // to be worth a copy of the gradient, and beyond a number of parameters copies cost more than they save.
    constexpr std::size_t kFew = 4;
    constexpr std::size_t kMany = 16;
    constexpr std::size_t kLeastRows = 32;  // of few segments
    constexpr std::size_t kMostRows = 128;  // that more segments would not make faster
    constexpr std::size_t kMaxParameters = 32768;
    constexpr std::size_t kLeastWork = 200'000;  // that two threads would share: parameters times rows
    if (model.parameters.size() > kMaxParameters || model.parameters.size() * rows < kLeastWork) {
      return 1;
    }
    return std::max(std::clamp<std::size_t>(rows / kLeastRows, 1, kFew),
                    std::min<std::size_t>(rows / kMostRows, kMany));
  }
  /// The first row of segment s.
  [[nodiscard]] static std::size_t first_row(std::size_t s, std::size_t segments, std::size_t rows) noexcept {
    return rows * s / segments;
  }

  void reserve(const Model<T>& model, std::size_t segments) {
    while (memory_.size() < segments) {
      memory_.emplace_back(model.parameters.size());
    }
  }
  [[nodiscard]] T* segment(std::size_t s) noexcept { return memory_[s].data(); }
  /// out += Σ_s segment s, s from `first` in order: this member's share, which is returned.
  std::pair<std::size_t, std::size_t> add_to(const runtime::Member& member, std::size_t first, std::size_t segments,
                                             T* out) noexcept {
    const auto [begin, end] = member.share(memory_.front().size(), kAlignment / sizeof(T));
    for (std::size_t s = first; s < segments; ++s) {
      kernels::table<T>().add(static_cast<kernels::Index>(end - begin), segment(s) + begin, out + begin);
    }
    return {begin, end};
  }

 private:
  std::vector<AlignedBuffer<T>> memory_;
};

}  // namespace backpass::nn

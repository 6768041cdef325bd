/// Gradients of a long batch, summed in segments: the order of the sum depends on shapes alone, and segments can run in
/// parallel.
#pragma once

#include <algorithm>
#include <cstddef>
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
    // Each segment must have enough rows to be worth a copy of the gradient, and beyond a number of parameters copies
    // cost more than they save.
    constexpr std::size_t kMaxSegments = 16;
    constexpr std::size_t kMinRows = 128;
    constexpr std::size_t kMaxParameters = 32768;
    return model.parameters.size() <= kMaxParameters ? std::clamp<std::size_t>(rows / kMinRows, 1, kMaxSegments) : 1;
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
  /// This member's share of out = (accumulate ? out : 0) + Σ_s segment s, in order.
  void sum_into(const runtime::Member& member, std::size_t segments, T* out, bool accumulate) noexcept {
    const auto [begin, end] = member.share(memory_.front().size(), kAlignment / sizeof(T));
    std::size_t s = 0;
    if (!accumulate) {
      std::copy(segment(0) + begin, segment(0) + end, out + begin);
      s = 1;
    }
    for (; s < segments; ++s) {
      kernels::table<T>().add(static_cast<kernels::Index>(end - begin), segment(s) + begin, out + begin);
    }
  }

 private:
  std::vector<AlignedBuffer<T>> memory_;
};

}  // namespace backpass::nn

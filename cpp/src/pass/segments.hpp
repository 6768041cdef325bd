/// The gradient and the loss of a long batch, summed in segments of rows. The order of the sums depends only on the
/// shapes, and the segments can run in parallel.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "kernels/dispatch.hpp"
#include "model/model.hpp"
#include "pass/sum_order.hpp"
#include "runtime/team.hpp"

namespace backpass::pass {

/// The sum of the rows' terms of E (RowMean::term): the rows of a segment in order, then the segments in order.
/// \returns `sum` plus the terms of a segment's next rows
[[nodiscard]] inline double add_rows(double sum, std::span<const double> terms) noexcept {
  return std::accumulate(terms.begin(), terms.end(), sum);
}
[[nodiscard]] inline double add_segments(std::span<const double> sums) noexcept {
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

template <class T>
class SegmentedGradient {
 public:
  /// The number of segments of the sum over the rows of a batch. 1: a single sum over all rows.
  [[nodiscard]] static std::size_t count(const model::Model<T>& model, std::size_t rows) noexcept {
    using namespace sum_order;
    if (model.parameters.size() > kMostSegmentedParameters || model.parameters.size() * rows < kLeastSegmentedWork) {
      return 1;
    }
    return std::max(std::clamp<std::size_t>(rows / kRowsForFewSegments, 1, kFewSegments),
                    std::min<std::size_t>(rows / kRowsForManySegments, kManySegments));
  }
  /// The first row of segment s.
  [[nodiscard]] static std::size_t first_row(std::size_t s, std::size_t segments, std::size_t rows) noexcept {
    return rows * s / segments;
  }

  void reserve(const model::Model<T>& model, std::size_t segments) {
    while (memory_.size() < segments) {
      memory_.emplace_back(model.parameters.size());
    }
  }
  [[nodiscard]] T* segment(std::size_t s) noexcept { return memory_[s].data(); }
  /// out += Σ_s segment(s), for s = first, …, segments − 1 in order. Each member of a team adds its range of elements.
  /// \param out  with the layout of the parameters
  /// \returns this member's range of elements, [begin, end)
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

}  // namespace backpass::pass

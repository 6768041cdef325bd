/// The gradient of a long batch, summed in the segments of rows of sum_order.hpp. The segments can run in parallel.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "kernels/dispatch.hpp"
#include "model/model.hpp"
#include "runtime/team.hpp"

namespace backpass::pass {

template <class T>
class SegmentedGradient {
 public:
  void reserve(const model::Model<T>& model, std::size_t segments) {
    while (memory_.size() < segments) {
      memory_.emplace_back(model.parameters.size());
    }
  }
  /// The gradient of segment s, with the layout of the parameters.
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

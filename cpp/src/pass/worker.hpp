/// What a thread needs for the products of a network, beside the matrices.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "kernels/dispatch.hpp"
#include "linalg/multiply.hpp"
#include "model/model.hpp"

namespace backpass::pass {

/// The most rows that one product of a gradient adds (dense.cpp).
inline constexpr std::size_t kGradientRows = 256;

/// A view: cheap to copy. Each thread has its own.
template <class T>
struct Worker {
  const kernels::KernelTable<T>& kernels;
  T* scratch;  ///< scratch_size() elements that only this thread uses
  /// Null; or the parameters, if no thread reads them before each thread updates its part: then a product of the
  /// gradient takes ownership of the cache lines that this thread will update (Product::take_ownership).
  T* take_ownership = nullptr;

  /// Scratch elements that are sufficient for each product of the model.
  [[nodiscard]] static std::size_t scratch_size(const model::Model<T>& model) {
    return linalg::scratch_size(kernels::table<T>(), std::max(model.largest_layer(), kGradientRows));
  }
  void multiply(const linalg::Product<T>& p, linalg::Layout b_layout = linalg::Layout::plain) const {
    linalg::multiply(kernels, p, b_layout, scratch);
  }
};

/// The workers of a team, and their scratch memory.
template <class T>
class Workers {
 public:
  /// Makes workers for `threads` threads.
  void reserve(const model::Model<T>& model, int threads) {
    while (scratch_.size() < static_cast<std::size_t>(threads)) {
      scratch_.emplace_back(Worker<T>::scratch_size(model));
    }
  }
  /// The worker of the member with this rank.
  [[nodiscard]] Worker<T> operator[](int rank) noexcept {
    return {kernels::table<T>(), scratch_[static_cast<std::size_t>(rank)].data()};
  }

 private:
  std::vector<AlignedBuffer<T>> scratch_;  ///< one buffer per thread
};

}  // namespace backpass::pass

/// What one forward and one backward pass leave behind for a number of rows: every layer's z, a and ξ.
#pragma once

#include <cstddef>
#include <vector>

#include <backpass/matrix.hpp>

#include "base/aligned_buffer.hpp"
#include "nn/model.hpp"

namespace backpass::nn {

/// The distance between rows of a matrix of ours. Rows follow each other without gaps, so that elementwise functions
/// see one long run; unless their starts would all fall into a few sets of the cache: the products read columns too.
template <class T>
[[nodiscard]] constexpr std::size_t row_stride(std::size_t cols) noexcept {
  return cols * sizeof(T) % 1024 == 0 ? cols + kAlignment / sizeof(T) : cols;
}

template <class T>
class Tape {
 public:
  /// (rows, M_i) matrices. z shares a's memory where nothing needs z once a is known; `dropped` is the a that the next
  /// layer sees, which is `a` itself without dropout.
  struct Slot {
    MatrixView<T> z, a, dropped, xi;
  };
  enum class Keep : unsigned char {
    needed,      ///< by the derivatives and the loss
    everything,  ///< for a caller to look at
  };

  Tape() = default;
  Tape(const Model<T>& model, std::size_t rows, Keep keep);

  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] const Slot& layer(std::size_t i) const noexcept { return slots_[i]; }
  [[nodiscard]] const Slot& top() const noexcept { return slots_.back(); }
  /// Room for a copy of the input, (rows, M_0).
  [[nodiscard]] MatrixView<T> input() const noexcept { return input_; }

 private:
  std::size_t rows_ = 0;
  AlignedBuffer<T> memory_;
  MatrixView<T> input_;
  std::vector<Slot> slots_;
};

}  // namespace backpass::nn

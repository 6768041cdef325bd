/// Memory for the results of a forward and a backward pass over some rows: z, a and ξ of every layer.
#pragma once

#include <cstddef>
#include <vector>

#include <backpass/matrix.hpp>

#include "base/aligned_buffer.hpp"
#include "base/hardware.hpp"
#include "model/model.hpp"

namespace backpass::pass {

/// The row stride, in elements, of a matrix that the library allocates. Rows are contiguous, so that elementwise
/// functions process one long run. Only rows of a multiple of kL1Way / 4 bytes get padding: otherwise the rows would
/// start in four cache sets at most, and the products also read columns.
template <class T>
[[nodiscard]] constexpr std::size_t row_stride(std::size_t cols) noexcept {
  return cols * sizeof(T) % (hardware::kL1Way / 4) == 0 ? cols + kAlignment / sizeof(T) : cols;
}

template <class T>
class Tape {
 public:
  /// Matrices of shape (rows, M_i). z and a share memory if z is not needed after a is computed. `dropped` is a after
  /// dropout: the input of the next layer while dropout is on.
  struct Layer {
    MatrixView<T> z, a, dropped, xi;
  };
  enum class Keep : unsigned char {
    needed,      ///< only what the derivatives and the loss need
    everything,  ///< all matrices, for the user to inspect
  };

  Tape() = default;
  Tape(const model::Model<T>& model, std::size_t rows, Keep keep);

  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  /// Layer i = 1 … N.
  [[nodiscard]] const Layer& layer(std::size_t i) const noexcept { return layers_[i - 1]; }
  [[nodiscard]] const Layer& top() const noexcept { return layers_.back(); }
  /// Memory for a copy of the input, (rows, M_0).
  [[nodiscard]] MatrixView<T> input() const noexcept { return input_; }

 private:
  std::size_t rows_ = 0;
  AlignedBuffer<T> memory_;
  MatrixView<T> input_;
  std::vector<Layer> layers_;
};

}  // namespace backpass::pass

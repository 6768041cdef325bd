/// Memory for a forward pass that keeps only the output.
#pragma once

#include <cstddef>

#include <backpass/matrix.hpp>

#include "model/model.hpp"
#include "pass/tape.hpp"

namespace backpass::pass {

/// A view, for LayerPass. z^i and a^i share memory, and the layers alternate between two buffers: layer i reads one
/// buffer and writes the other one. The last layer writes to `out`.
template <class T>
class TwoBuffers {
 public:
  /// \param out     (rows of the block, M_N)
  /// \param memory  2 · buffer_size elements
  TwoBuffers(const model::Model<T>& model, MatrixView<T> out, T* memory, std::size_t buffer_size) noexcept
      : model_(model), out_(out), memory_(memory), buffer_size_(buffer_size) {}

  [[nodiscard]] typename Tape<T>::Layer layer(std::size_t i) const noexcept {
    const std::size_t cols = model_.layer(i).outputs;
    const MatrixView<T> matrix = i == model_.num_layers() ? out_
                                                          : MatrixView<T>(memory_ + (i % 2) * buffer_size_, out_.rows(),
                                                                          cols, row_stride<T>(cols));
    return {matrix, matrix, matrix, {}};
  }

 private:
  const model::Model<T>& model_;
  MatrixView<T> out_;
  T* memory_;
  std::size_t buffer_size_;
};

}  // namespace backpass::pass

/// The forward loop and the ξ recursion of docs/mathematics.md for a block of rows. Layers are numbered from 1, as in
/// the equations.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "model/model.hpp"
#include "pass/dense.hpp"
#include "pass/share.hpp"
#include "pass/tape.hpp"
#include "pass/wide_sum.hpp"
#include "pass/worker.hpp"

namespace backpass::pass {

/// Identifies the dropout masks of a training pass, and scales their rates.
struct DropoutPass {
  std::uint64_t seed = 0;
  std::uint64_t pass = 0;
  double scale = 1.0;         ///< factor on the rates of all layers
  std::size_t first_row = 0;  ///< row 0 of the block is this row of the batch
};

/// A view: cheap to make and to copy. Several threads may use it at the same time, each with its own share of the work
/// and its own worker.
/// \tparam Memory  Tape, or TwoBuffers for forward(). layer(i), i = 1 … N, returns z, a, dropped and ξ of layer i.
template <class T, class Memory = Tape<T>>
class LayerPass {
 public:
  /// \param x        (rows of the block, M_0), a^0
  /// \param dropout  empty: dropout is off
  LayerPass(const model::Model<T>& model, const Memory& memory, ConstMatrixView<T> x,
            std::optional<DropoutPass> dropout) noexcept
      : model_(model), memory_(memory), x_(x), dropout_(dropout) {}

  /// z^i = W^i a^{i-1} + b^i, a^i = φ_i(z^i), i = 1 … N.
  /// \param output  false: a^N is not computed, only z^N
  void forward(const Share& share, bool output, const Worker<T>& worker) const;
  /// ξ^N = J_φ(z^N)ᵀ ∂E/∂a^N, in place: before the call, the memory's ξ^N contains ∂E/∂a^N.
  void top_derivative(Rows rows, const Worker<T>& worker) const;
  /// ξ^i = φ'_i(z^i) ⊙ (ξ^{i+1} W^{i+1}), i = N − 1 … 1, from the memory's ξ^N.
  /// \param input_gradient  (rows of the block, M_0), receives ∂E/∂a^0; or empty
  void backward(const Share& share, MatrixView<T> input_gradient, const Worker<T>& worker) const;

  /// Part `part` of `parts` of all ∂E/∂w^i_kj = Σ_b ξ^i_bk a^{i-1}_bj and ∂E/∂b^i_k = Σ_b ξ^i_bk, over rows b in order.
  /// \param gradients   with the layout of the parameters
  /// \param accumulate  true: continues the sums in `gradients`; false: starts from 0
  /// \param done        called as done(begin, end) for every finished range of the flat gradient. A range is so short
  ///                    that it is still in the second-level cache
  template <class Done>
  void gradients(Rows rows, T* gradients, bool accumulate, std::size_t part, std::size_t parts, const Worker<T>& worker,
                 Done done) const {
    // [gradients]
    for (std::size_t i = 1; i <= model_.num_layers(); ++i) {
      const LayerSpec& layer = model_.layer(i);
      const Interval inputs = weight_rows(i, part, parts);
      if (inputs.count() == 0) {
        continue;
      }
      const ConstMatrixView<T> xi = of(memory_.layer(i).xi, rows);
      const std::size_t step = rows_in_cache(layer.outputs, worker);
      for (std::size_t begin = inputs.begin; begin < inputs.end; begin += step) {
        const std::size_t end = std::min(begin + step, inputs.end);
        dense_weight_gradient(worker, model_, i, input_of(i, rows), xi, begin, end, gradients, accumulate);
        done(layer.offset + begin * layer.outputs, layer.offset + end * layer.outputs);
      }
      if (layer.bias && inputs.begin == 0) {  // the part with the first rows of the weights includes the biases
        dense_bias_gradient(worker, model_, i, xi, gradients, accumulate);
        done(layer.offset + layer.num_weights(), layer.offset + layer.num_parameters());
      }
    }
    // [/gradients]
  }

  /// The same for a block of a long batch. These rows start or continue the sum of their chunk in `gradients`. If the
  /// chunk ends with these rows, `wide` takes the sum. After the last chunk, `gradients` contains the whole sum.
  /// \param rows       of the block
  /// \param first      the row of the batch that is the first of `rows`
  /// \param gradients  with the layout of the parameters
  template <class Done>
  void gradients(Rows rows, T* gradients, const Chunks<T>& chunks, std::size_t first, WideSum<T>& wide,
                 std::size_t part, std::size_t parts, const Worker<T>& worker, Done done) const {
    const std::size_t end = first + rows.count();
    this->gradients(rows, gradients, !chunks.starts_at(first), part, parts, worker,
                    [&](std::size_t from, std::size_t to) {
                      if (chunks.ends_at(end)) {
                        wide.take(chunks, end, gradients, from, to);
                      }
                      done(from, to);
                    });
  }

 private:
  static MatrixView<T> of(MatrixView<T> matrix, Rows rows) noexcept {
    return matrix.middle_rows(rows.begin, rows.count());
  }
  static MatrixView<T> of(MatrixView<T> matrix, Rows rows, Columns columns) noexcept {
    return of(matrix, rows).middle_cols(columns.begin, columns.count());
  }
  /// The dropout rate of a^i in this pass. Requires that dropout is on.
  [[nodiscard]] double dropout_rate(std::size_t i) const noexcept { return model_.layer(i).dropout * dropout_->scale; }
  /// True if this pass drops elements of a^i.
  [[nodiscard]] bool drops(std::size_t i) const noexcept { return dropout_ && dropout_rate(i) > 0.0; }
  /// The input of layer i: a^{i-1}, after dropout.
  [[nodiscard]] ConstMatrixView<T> input_of(std::size_t i, Rows rows) const noexcept {
    if (i == 1) {
      return x_.middle_rows(rows.begin, rows.count());
    }
    const auto& below = memory_.layer(i - 1);
    return of(drops(i - 1) ? below.dropped : below.a, rows);
  }
  /// to = mask ⊙ from / (1 − p), with the mask of layer i in this pass.
  /// \param from, to  (rows.count(), M_i)
  void drop(std::size_t i, Rows rows, MatrixView<T> from, MatrixView<T> to, const Worker<T>& worker) const;
  /// The matrix that φ'_i is computed from: z^i or a^i.
  [[nodiscard]] MatrixView<T> stored(std::size_t i) const noexcept;
  /// The rows of Wt of layer i that belong to part `part`. The parts have about the same number of weights.
  [[nodiscard]] Interval weight_rows(std::size_t i, std::size_t part, std::size_t parts) const noexcept;
  /// How many rows of the gradient, of `outputs` elements each, stay in the second-level cache. Whole register tiles.
  [[nodiscard]] static std::size_t rows_in_cache(std::size_t outputs, const Worker<T>& worker) noexcept;

  const model::Model<T>& model_;
  const Memory& memory_;
  ConstMatrixView<T> x_;
  std::optional<DropoutPass> dropout_;
};

}  // namespace backpass::pass

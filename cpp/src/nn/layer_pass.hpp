/// The forward loop and the ξ recursion of docs/mathematics.md, on the rows of a tape. The equations count layers
/// from 1; an index i of the code counts from 0.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "nn/dense.hpp"
#include "nn/model.hpp"
#include "nn/tape.hpp"
#include "runtime/team.hpp"

namespace backpass::nn {

struct Rows {
  std::size_t begin = 0;
  std::size_t end = 0;
  [[nodiscard]] std::size_t count() const noexcept { return end - begin; }
};

/// Identifies the dropout masks of a training pass.
struct DropoutPass {
  std::uint64_t seed = 0;
  std::uint64_t pass = 0;
  std::size_t first_row = 0;  ///< row 0 of the tape is this row of the batch
};

/// True if a team should divide the columns of each layer instead of the rows of the batch. This is the case if the
/// weights are too many for the caches near each member, or if the rows are so few that each weight is used only a few
/// times.
template <class T>
[[nodiscard]] bool shares_columns(const Model<T>& model, std::size_t rows, int threads) noexcept {
  constexpr std::size_t kWeightBytes = std::size_t{4} << 20;
  constexpr std::size_t kRowsPerThread = 16;
  return threads > 1 && (model.parameters.size() * sizeof(T) > kWeightBytes ||
                         rows < kRowsPerThread * static_cast<std::size_t>(threads));
}

/// A view: cheap to make and to copy. Calls of forward() and backward() for disjoint rows may run at the same time, and
/// so may calls of gradients() for different parts. Each thread needs its own scratch buffer of dense_scratch_size()
/// elements.
template <class T>
class LayerPass {
 public:
  /// \param x  (rows of the tape, M_0), the input
  LayerPass(const Model<T>& model, const Tape<T>& tape, ConstMatrixView<T> x,
            std::optional<DropoutPass> dropout) noexcept
      : model_(model), tape_(tape), x_(x), dropout_(dropout) {}

  /// z^i = W^i a^{i-1} + b^i, a^i = φ_i(z^i), i = 1 … N.
  /// \param output  false: a^N is not computed, only z^N
  void forward(Rows rows, bool output, T* scratch) const;
  /// ξ^N = J_φ(z^N)ᵀ ∂E/∂a^N, in place: before the call, the tape's ξ^N contains ∂E/∂a^N.
  void top_derivative(Rows rows) const;
  /// ξ^i = φ'_i(z^i) ⊙ (W^{i+1})ᵀ ξ^{i+1}, i = N − 1 … 1, from the ξ^N of the tape.
  /// \param input_gradient  receives ∂E/∂a^0 of the rows, (rows.count(), M_0), or is empty
  void backward(Rows rows, MatrixView<T> input_gradient, T* scratch) const;

  /// forward() and backward() of rows [0, rows), called by every member of a team. The members divide the columns of
  /// each layer. So the weights are loaded from memory once in total, not once per member. A barrier follows every
  /// layer, but not the input gradient.
  void forward_together(const runtime::Member& member, std::size_t rows, bool output, T* scratch) const;
  void backward_together(const runtime::Member& member, std::size_t rows, MatrixView<T> input_gradient,
                         T* scratch) const;

  /// Part `part` of `parts` of all ∂E/∂w^i_kj = Σ_b ξ^i_bk a^{i-1}_bj and ∂E/∂b^i_k = Σ_b ξ^i_bk, over rows b in order.
  /// \param gradients   with the layout of the parameters
  /// \param accumulate  true: continues the sums in `gradients`; false: starts from 0
  /// \param take_ownership       null; or the parameters, if no thread reads them before each part updates its own:
  /// this core
  ///                    then takes their cache lines from other cores' caches (Product::take_ownership)
  /// \param done        called as done(begin, end) for every finished range of the flat gradient. A range is so short
  ///                    that it is still in the second-level cache
  template <class Done>
  void gradients(Rows rows, T* gradients, bool accumulate, T* take_ownership, std::size_t part, std::size_t parts,
                 T* scratch, Done done) const {
    for (std::size_t i = 0; i < model_.layers.size(); ++i) {
      const LayerSpec& layer = model_.layers[i];
      const Rows inputs = weight_rows(i, part, parts);
      if (inputs.count() == 0) {
        continue;
      }
      const ConstMatrixView<T> xi = of(tape_.layer(i).xi, rows);
      const std::size_t step = rows_in_cache(layer.outputs);
      for (std::size_t begin = inputs.begin; begin < inputs.end; begin += step) {
        const std::size_t end = std::min(begin + step, inputs.end);
        dense_weight_gradient(model_, i, input_of(i, rows), xi, begin, end, gradients, accumulate, take_ownership,
                              scratch);
        done(layer.offset + begin * layer.outputs, layer.offset + end * layer.outputs);
      }
      if (layer.bias && inputs.begin == 0) {  // the part with the first rows of the weights includes the biases
        dense_bias_gradient(model_, i, xi, gradients, accumulate, scratch);
        done(layer.offset + layer.num_weights(), layer.offset + layer.num_parameters());
      }
    }
  }

 private:
  static MatrixView<T> of(MatrixView<T> matrix, Rows rows) noexcept {
    return matrix.middle_rows(rows.begin, rows.count());
  }
  [[nodiscard]] ConstMatrixView<T> input_of(std::size_t i, Rows rows) const noexcept {
    return i == 0 ? x_.middle_rows(rows.begin, rows.count()) : ConstMatrixView<T>(of(tape_.layer(i - 1).dropped, rows));
  }
  /// to = mask ⊙ from / (1 − p), with the mask of this pass for layers[i]; to = from if dropout is off.
  /// \param from, to  (rows.count(), outputs of layers[i])
  void drop(std::size_t i, Rows rows, MatrixView<T> from, MatrixView<T> to) const;
  /// The matrix that φ' of layers[i] is computed from: z or a.
  [[nodiscard]] ConstMatrixView<T> stored(std::size_t i, Rows rows) const noexcept;
  /// Multiplies the tape's ξ of layers[i] by J_φᵀ, in place.
  void derivative(std::size_t i, Rows rows) const;
  /// The rows of Wt of layers[i] that belong to part `part`. The parts have about the same number of weights.
  [[nodiscard]] Rows weight_rows(std::size_t i, std::size_t part, std::size_t parts) const noexcept;

  /// How many rows of the gradient, of `outputs` elements each, stay in the second-level cache.
  [[nodiscard]] static std::size_t rows_in_cache(std::size_t outputs) noexcept;

  const Model<T>& model_;
  const Tape<T>& tape_;
  ConstMatrixView<T> x_;
  std::optional<DropoutPass> dropout_;
};

}  // namespace backpass::nn

/// The forward loop and the ξ recursion, as docs/mathematics.md has them, on rows of a tape.
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

/// Which masks a training pass draws; none when dropout is off.
struct DropoutPass {
  std::uint64_t seed = 0;
  std::uint64_t pass = 0;
  std::size_t first_row = 0;  ///< the batch's row that row 0 of the tape is
};

/// Whether a team should share out a layer's columns, and not the rows of the batch: where weights are so many that
/// each member would have to fetch them from far, or rows so few that a weight is used but a few times.
template <class T>
[[nodiscard]] bool shares_columns(const Model<T>& model, std::size_t rows, int threads) noexcept {
  constexpr std::size_t kWeightBytes = std::size_t{4} << 20;
  constexpr std::size_t kRowsPerThread = 16;
  return threads > 1 && (model.parameters.size() * sizeof(T) > kWeightBytes ||
                         rows < kRowsPerThread * static_cast<std::size_t>(threads));
}

/// A view that is as cheap to make as to copy. Rows are independent of each other in forward() and backward(), parts of
/// the parameters in gradients(): any of them may run at once. Scratch, dense_scratch_size() elements, is each thread's
/// own.
template <class T>
class Recursion {
 public:
  /// \param x  the tape's input rows
  Recursion(const Model<T>& model, const Tape<T>& tape, ConstMatrixView<T> x,
            std::optional<DropoutPass> dropout) noexcept
      : model_(model), tape_(tape), x_(x), dropout_(dropout) {}

  /// z^i = W^i a^{i-1} + b^i, a^i = φ_i(z^i), i = 1 … N. \param output  false: z^N, but not a^N
  void forward(Rows rows, bool output, T* scratch) const;
  /// ξ^N = J_φ(z^N)ᵀ ∂E/∂a^N, in the place of the latter.
  void top_derivative(Rows rows) const;
  /// ξ^i = φ'_i(z^i) ⊙ (W^{i+1})ᵀ ξ^{i+1}, i = N − 1 … 1, from ξ^N in the tape.
  /// \param input_gradient  receives ∂E/∂a^0 of the same rows, unless it is empty
  void backward(Rows rows, MatrixView<T> input_gradient, T* scratch) const;

  /// forward() and backward() of rows [0, rows) as a team that meets after every layer, each member having some of its
  /// columns, which takes the weights from memory once and not once a member. All members have returned from the last
  /// barrier but for the input gradient.
  void forward_together(const runtime::Member& member, std::size_t rows, bool output, T* scratch) const;
  void backward_together(const runtime::Member& member, std::size_t rows, MatrixView<T> input_gradient,
                         T* scratch) const;

  /// Part `part` of `parts` of all ∂E/∂w^i_kj = Σ_b ξ^i_k a^{i-1}_j and ∂E/∂b^i_k = Σ_b ξ^i_k, over the rows in order.
  /// \param gradients  laid out as the parameters
  /// \param claim  null, or the parameters, which nobody reads before each part updates its own
  /// \param done  called as done(begin, end) for every finished run of the flat gradient, short enough to be in the
  ///              second-level cache still
  template <class Done>
  void gradients(Rows rows, T* gradients, bool accumulate, T* claim, std::size_t part, std::size_t parts, T* scratch,
                 Done done) const {
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
        dense_weight_gradient(model_, i, input_of(i, rows), xi, begin, end, gradients, accumulate, claim, scratch);
        done(layer.offset + begin * layer.outputs, layer.offset + end * layer.outputs);
      }
      if (layer.bias && inputs.begin == 0) {  // the biases go with the first rows of the weights
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
  /// to = mask ⊙ from / (1 − p), with this pass's mask of layer i; a copy when dropout is off.
  void drop(std::size_t i, Rows rows, MatrixView<T> from, MatrixView<T> to) const;
  /// What φ' of layer i is computed from.
  [[nodiscard]] ConstMatrixView<T> stored(std::size_t i, Rows rows) const noexcept;
  void derivative(std::size_t i, Rows rows) const;
  /// The rows of Wt that a part of the work on all weights covers.
  [[nodiscard]] Rows weight_rows(std::size_t i, std::size_t part, std::size_t parts) const noexcept;

  /// How many rows of so many weights to finish before going on.
  [[nodiscard]] static std::size_t rows_in_cache(std::size_t outputs) noexcept;

  const Model<T>& model_;
  const Tape<T>& tape_;
  ConstMatrixView<T> x_;
  std::optional<DropoutPass> dropout_;
};

}  // namespace backpass::nn

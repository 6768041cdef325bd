/// The user's forward() and backward(). Keeps all z, a and ξ, for backward() and for the user to inspect.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <backpass/input.hpp>
#include <backpass/matrix.hpp>

#include "model/model.hpp"
#include "pass/layer_pass.hpp"
#include "pass/segments.hpp"
#include "pass/tape.hpp"
#include "pass/wide_sum.hpp"
#include "pass/worker.hpp"

namespace backpass::pass {

template <class T>
class StoredPass {
 public:
  /// Copies x (B, M_0), because the caller may change x before backward().
  /// \returns a^N, (B, M_N)
  ConstMatrixView<T> forward(const model::Model<T>& model, const Input<T>& x, std::optional<DropoutPass> dropout);
  /// Uses the dropout masks of the last forward().
  /// \param grad_output     ∂E/∂a^N, (B, M_N)
  /// \param input_gradient  receives ∂E/∂a^0, (B, M_0), or is empty
  /// \param accumulate      true: adds to the model's gradients
  void backward(model::Model<T>& model, ConstMatrixView<T> grad_output, MatrixView<T> input_gradient, bool accumulate);

  /// Rows of the last forward(). Empty before the first forward(), and after one that threw.
  [[nodiscard]] std::optional<std::size_t> rows() const noexcept { return rows_; }
  [[nodiscard]] bool has_xi() const noexcept { return has_xi_; }
  /// Model::version at the last forward().
  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }
  [[nodiscard]] const std::shared_ptr<Tape<T>>& tape() const noexcept { return tape_; }

 private:
  [[nodiscard]] LayerPass<T> layer_pass(const model::Model<T>& model) const noexcept;
  /// Multiply-adds of `passes` products per layer.
  [[nodiscard]] double work(const model::Model<T>& model, double passes) const noexcept;
  /// How many threads to use for `work` multiply-adds. Also makes their workers.
  [[nodiscard]] int threads(const model::Model<T>& model, double work);
  /// Computes part `part` of `parts` of the gradient of `summed` rows.
  /// \param gradients  with the layout of the parameters
  /// \param onto       true: adds to the content of `gradients`
  /// \param wide       receives the chunks of a long batch
  void sum_gradient(const LayerPass<T>& layers, Rows summed, T* gradients, bool onto, WideSum<T>& wide,
                    std::size_t part, std::size_t parts, const Worker<T>& worker) const;

  std::shared_ptr<Tape<T>> tape_;
  std::optional<std::size_t> rows_;
  std::optional<DropoutPass> dropout_;
  bool has_xi_ = false;
  std::uint64_t version_ = 0;
  Workers<T> workers_;
  SegmentedGradient<T> segments_;
  std::vector<WideSum<T>> wide_;  ///< with segments one per thread, else one in total
};

}  // namespace backpass::pass

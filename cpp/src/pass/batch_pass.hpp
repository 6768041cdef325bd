/// The forward and backward pass of one batch. train_step, loss_and_gradient, evaluate and fit are built on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <backpass/input.hpp>
#include <backpass/loss.hpp>
#include <backpass/matrix.hpp>
#include <backpass/optimizer.hpp>

#include "base/aligned_buffer.hpp"
#include "model/loss_plan.hpp"
#include "model/model.hpp"
#include "pass/layer_pass.hpp"
#include "pass/segments.hpp"
#include "pass/shards.hpp"
#include "pass/share.hpp"
#include "pass/step.hpp"
#include "pass/tape.hpp"
#include "pass/wide_sum.hpp"
#include "pass/worker.hpp"

namespace backpass::pass {

/// Rows of a data set: all rows, or the rows listed in `index`, in the order of `index`.
template <class T>
struct Batch {
  Input<T> x;                                           ///< (rows of the data set, M_0)
  Targets<T> y;                                         ///< of all rows of x
  std::span<const T> sample_weight;                     ///< one entry per row of x, or empty
  std::optional<std::span<const std::uint32_t>> index;  ///< row numbers in x, which must then be a view

  [[nodiscard]] std::size_t rows() const noexcept { return index ? index->size() : x.rows(); }
  /// The row of x that is row `row` of the batch.
  [[nodiscard]] std::size_t source(std::size_t row) const noexcept { return index ? (*index)[row] : row; }
};

/// Computes passes and holds their workspace. A block of rows goes through all layers, forward and backward, while it
/// is in cache. So memory does not grow with the batch.
///
/// Gradients are sums over samples, in order. If a batch has many rows for the size of its network, the sum is divided
/// into segments; their number depends only on the shapes. The rows of a segment are added in order, and then the
/// segments are added in order. So segments can run in parallel, and the bits are the same for any number of threads.
/// Long sums within a segment, or within a batch without segments, are divided into chunks (wide_sum.hpp).
///
/// Without segments, the members of a team divide the rows of a block (or the columns of each layer), and then the
/// elements of the gradient.
template <class T>
class BatchPass {
 public:
  /// What to compute in addition to E.
  struct PassOptions {
    bool gradients = false;
    MatrixView<T> input_gradient = {};           ///< ∂E/∂a^0, (B, M_0) in the order of the batch, or empty
    std::optional<OptimizerRef> optimizer = {};  ///< if set, updates the parameters
    GradientOptions gradient_options = {};
    Division<T> division = {};
  };

  /// E without dropout. The arguments must have been checked, here and below.
  double evaluate(const model::Model<T>& model, const Batch<T>& batch, const Loss& loss);
  /// Computes the terms whose sum gives evaluate().
  /// \param mean   may belong to a larger batch that contains these rows
  /// \param terms  (B), receives one term per row
  void row_terms(const model::Model<T>& model, const Batch<T>& batch, const Loss& loss, const model::RowMean& mean,
                 std::span<double> terms);
  /// E and the gradients, with dropout. Writes the model's gradients, and its parameters if an optimizer is given.
  double train(model::Model<T>& model, const Batch<T>& batch, const Loss& loss, const PassOptions& options);

 private:
  struct PassContext {
    const model::Model<T>& model;
    model::Model<T>* trained;  ///< receives the gradients; null for an evaluation
    const Batch<T>& batch;
    Rows rows;     ///< of the batch: all, or those of a shard
    T* gradients;  ///< receives the gradients of these rows, or null
    const model::LossPlan<T>& loss;
    const PassOptions& options;
    std::optional<OptimizerRef> optimizer;  ///< as PassOptions::optimizer; empty for a shard
    std::optional<DropoutPass> dropout;
    model::RowMean mean;
    double* terms = nullptr;  ///< (B), the output of row_terms(), or null
  };
  /// When run_blocks() applies the optimizer: never, to each piece of the gradient as soon as it is finished (while it
  /// is in cache), or after the whole gradient.
  enum class Update { none, by_pieces, at_the_end };
  /// The memory for one block of rows, which one thread or one team computes.
  struct Block {
    Tape<T> tape;
    std::vector<double> terms;  ///< one term of E per row
  };

  /// \returns the sum of the rows' terms of E
  double run(const PassContext& context);
  /// The sums of the shards, one after another, and the sums of these in the order of the tree. Then the step.
  /// \returns the sum of the terms of all shards
  double run_shards(PassContext context);
  /// One sum over all rows. The members divide each block, and then the elements of the gradient.
  double run_blocks(const PassContext& context, int threads, double work);
  /// A sum of segments, which the members divide.
  double run_segments(const PassContext& context, int threads, double work, std::size_t segments);
  /// Segment s, by the member with this rank.
  void run_segment(const PassContext& context, std::size_t s, std::size_t segments, std::size_t rank);
  void reserve(const PassContext& context, std::size_t blocks, std::size_t block_rows, int threads,
               std::size_t segments);

  // The block starts at row `first` of the batch; rows of the block count from its start.

  /// Forward pass, loss and backward pass of this member's share of a block.
  /// \param count  rows of the block
  void pass_block(const PassContext& context, Block& block, std::size_t first, std::size_t count, const Share& share,
                  const Worker<T>& worker) const;
  /// True if copy_input() must copy the input rows into the block before the pass.
  [[nodiscard]] static bool copies_input(const PassContext& context) noexcept;
  void copy_input(const PassContext& context, Block& block, std::size_t first, Rows rows) const;
  /// True if the loss is computed from a^N, false if from z^N.
  [[nodiscard]] static bool loss_takes_output(const PassContext& context) noexcept {
    return context.loss.source == model::LossSource::output;
  }
  /// The rows' terms of E, and ξ^N if gradients are computed. Follows the forward pass.
  void compute_loss_rows(const PassContext& context, Block& block, std::size_t first, Rows rows) const;
  [[nodiscard]] LayerPass<T> layer_pass(const PassContext& context, const Block& block, std::size_t first,
                                        std::size_t count) const;
  /// Adds this member's part of the gradient of a block. \param done  as in LayerPass::gradients()
  template <class Done>
  void add_gradients(const PassContext& context, const runtime::Member& member, const Chunks<T>& chunks,
                     std::size_t first, std::size_t count, const Worker<T>& worker, Done done);
  [[nodiscard]] Update update_of(const PassContext& context, const runtime::Member& member) const noexcept;
  /// Counts the step in the optimizer, once per team. A barrier must follow.
  void begin_step(const PassContext& context, const runtime::Member& member);

  std::vector<Block> blocks_;
  Workers<T> workers_;
  SegmentedGradient<T> segments_;
  std::vector<WideSum<T>> wide_;                   ///< with segments one per thread, else one in total
  std::vector<double> loss_sums_;                  ///< one per segment
  std::vector<AlignedBuffer<T>> shard_gradients_;  ///< slots 1, 2, … of tree_sum()
  std::vector<double> shard_terms_;                ///< slots 0, 1, … of tree_sum()
  Step<T> step_;
};

}  // namespace backpass::pass

/// One batch through the network and back: what train_step, loss_and_gradient, evaluate and fit are made of.
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
#include "nn/loss_plan.hpp"
#include "nn/model.hpp"
#include "nn/recursion.hpp"
#include "nn/segments.hpp"
#include "nn/step.hpp"
#include "nn/tape.hpp"
#include "nn/wide_sum.hpp"

namespace backpass::nn {

/// Rows of a data set: all of them, or those that `index` names, in its order.
template <class T>
struct Batch {
  Input<T> x;
  Targets<T> y;
  std::span<const T> sample_weight;  ///< of x's rows, or empty
  std::optional<std::span<const std::uint32_t>> index;

  [[nodiscard]] std::size_t rows() const noexcept { return index ? index->size() : x.rows(); }
  [[nodiscard]] std::size_t source(std::size_t row) const noexcept { return index ? (*index)[row] : row; }
};

/// The workspace of such a pass, and the pass. Rows go depth first: a block of them passes all layers, forward and
/// back, while it is in cache, so that memory does not grow with the batch.
///
/// Gradients are sums over samples in order. A batch that is long for its network is cut into a number of segments that
/// depends on the shapes alone; each is summed in order, and then the segments are, in order: so segments can run in
/// parallel and the bits are the same for any number of threads. Within a segment, or the batch, long sums are cut into
/// chunks (wide_sum.hpp). Otherwise rows of a block, then parts of the gradient,
/// are shared out.
template <class T>
class BatchPass {
 public:
  /// What to compute beyond E.
  struct Wanted {
    bool gradients = false;
    MatrixView<T> input_gradient = {};           ///< of the batch's rows in order, or empty
    std::optional<OptimizerRef> optimizer = {};  ///< gradients are applied
    GradientOptions options = {};
  };

  /// E of a checked batch without dropout, and nothing else.
  double evaluate(const Model<T>& model, const Batch<T>& batch, const Loss& loss);
  /// What each row adds to the sum behind evaluate(); `mean` may be that of a larger batch, of which this is a part.
  void row_terms(const Model<T>& model, const Batch<T>& batch, const Loss& loss, const RowMean& mean,
                 std::span<double> terms);
  /// E and gradients of a checked batch, with dropout; the model's gradients, and its parameters if asked for, change.
  double train(Model<T>& model, const Batch<T>& batch, const Loss& loss, const Wanted& wanted);

 private:
  struct Job {
    const Model<T>& model;
    Model<T>* trained;  ///< null: evaluate
    const Batch<T>& batch;
    const LossPlan<T>& loss;
    const Wanted& wanted;
    std::optional<DropoutPass> dropout;
    RowMean mean;
    double* terms = nullptr;  ///< where row_terms wants them
  };
  /// What a thread, or a team, needs to work on a block of rows.
  struct Block {
    Tape<T> tape;
    std::vector<double> row_loss;  ///< the terms of the mean
  };

  double run(const Job& job);
  double run_blocks(const Job& job, int threads, double work);
  double run_segments(const Job& job, int threads, double work, std::size_t segments);
  void reserve(const Job& job, std::size_t blocks, std::size_t block_rows, int threads, std::size_t segments);
  [[nodiscard]] static bool from_output(const Job& job) noexcept { return job.loss.source == LossSource::output; }
  /// Whether the block has a copy of its input.
  [[nodiscard]] static bool gathers(const Job& job) noexcept;
  // Of `rows` of the block that starts at the batch's row `first`: its input, and after the forward loop its terms of
  // E and ξ^N.
  void gather(const Job& job, Block& block, std::size_t first, Rows rows) const;
  void losses(const Job& job, Block& block, std::size_t first, Rows rows) const;
  /// All of forward, loss and backward.
  void pass_rows(const Job& job, Block& block, std::size_t first, Rows rows, T* scratch) const;
  /// The same of the block's first `count` rows by a team, each layer's columns shared out.
  void pass_together(const Job& job, Block& block, std::size_t first, std::size_t count, const runtime::Member& member,
                     T* scratch) const;
  [[nodiscard]] Recursion<T> recursion(const Job& job, const Block& block, std::size_t first, std::size_t rows) const;

  std::vector<Block> blocks_;
  std::vector<AlignedBuffer<T>> scratch_;  ///< one a thread
  SegmentedGradient<T> segments_;
  std::vector<WideSum<T>> wide_;  ///< one a thread that sums segments, or one for all
  std::vector<double> segment_loss_;
  Step<T> step_;
};

}  // namespace backpass::nn

#include "pass/batch_pass.hpp"

#include <algorithm>
#include <span>

#include "base/hardware.hpp"
#include "pass/sum_order.hpp"
#include "runtime/interrupt.hpp"
#include "runtime/team.hpp"

namespace backpass::pass {
namespace {

/// Rows of a block that a team shares. A block loads and stores each element of the gradient once, and adds 256
/// products to it. So the loads and stores take a small part of the time.
constexpr std::size_t kBlockRows = 256;
/// Bytes of the tape of a block that one thread computes alone: a quarter of the second-level cache. The weights, the
/// gradient and the packed panels use the rest.
constexpr std::size_t kBlockBytes = hardware::kL2 / 4;
/// A core loads about 2 floats per cycle from the third-level cache and computes 32 multiply-adds. So 16 rows per
/// weight would keep the multiply-add units busy, and 32 rows leave a margin.
constexpr std::size_t kMinOwnBlockRows = 32;
/// Cost estimate of the loss of one output in multiply-adds, for polls. An exponential takes about 20 cycles per vector
/// (docs/tuning.md), as long as about 20 multiply-adds.
constexpr std::size_t kLossOperations = 16;
/// An update that has started is not interrupted. If the gradient is applied piece by piece, the computation of the
/// gradient is not interrupted either. If that costs a member more than this many multiply-adds of floats (20 to
/// 100 ms), the update waits for the whole gradient. Reading the gradient again is then a small part of the step.
constexpr double kMostUninterruptedWork = 1e9;

template <class T>
std::size_t own_block_rows(const model::Model<T>& model) noexcept {
  std::size_t numbers = model.sizes.front();
  for (const LayerSpec& layer : model.layers) {
    numbers += 3 * layer.outputs;
  }
  return std::clamp(kBlockBytes / (numbers * sizeof(T)), kMinOwnBlockRows, kBlockRows);
}

/// 1 / Σ_b w_b over all rows of the batch. A sum of weights of listed rows may be 0: then the result is 0.
template <class T>
double reciprocal_of_weights(const Batch<T>& batch, const Division<T>& division) {
  if (division.combine) {
    return division.weight_sum > 0.0 ? 1.0 / division.weight_sum : 0.0;
  }
  const bool divided = division.shards.are_used();
  if (batch.sample_weight.empty() || !batch.index) {
    const double reciprocal = model::reciprocal_weight_sum(batch.sample_weight, batch.rows());  // checks the weights
    if (batch.sample_weight.empty() || !divided) {
      return reciprocal;
    }
  }
  const double sum = weight_sum(batch.sample_weight, divided ? division.shards : Shards::all(1, batch.rows()),
                                [&](std::size_t row) { return batch.source(row); });
  return sum > 0.0 ? 1.0 / sum : 0.0;
}

}  // namespace

template <class T>
double BatchPass<T>::evaluate(const model::Model<T>& model, const Batch<T>& batch, const Loss& loss) {
  const auto plan = model::plan_loss<T>(loss, model.layers.back().activation);
  const model::RowMean mean(model::reciprocal_weight_sum(batch.sample_weight, batch.rows()));
  const Rows rows{0, batch.rows()};
  return mean.of(run({model, nullptr, batch, rows, nullptr, plan, PassOptions{}, {}, std::nullopt, mean}));
}

template <class T>
void BatchPass<T>::row_terms(const model::Model<T>& model, const Batch<T>& batch, const Loss& loss,
                             const model::RowMean& mean, std::span<double> terms) {
  const auto plan = model::plan_loss<T>(loss, model.layers.back().activation);
  run({model, nullptr, batch, {0, batch.rows()}, nullptr, plan, PassOptions{}, {}, std::nullopt, mean, terms.data()});
}

template <class T>
double BatchPass<T>::train(model::Model<T>& model, const Batch<T>& batch, const Loss& loss,
                           const PassOptions& options) {
  const auto plan = model::plan_loss<T>(loss, model.layers.back().activation);
  if (options.optimizer) {
    step_.check(model, *options.optimizer);
  }
  const model::RowMean mean(reciprocal_of_weights(batch, options.division));
  const DropoutPass dropout{model.dropout.seed, model.dropout.pass, model.dropout_scale,
                            options.division.shards.first_row()};
  const PassContext context{
      model, &model, batch, {0, batch.rows()}, model.gradients.data(), plan, options, options.optimizer, dropout, mean};
  const double sum = options.division.shards.are_used() ? run_shards(context) : run(context);
  ++model.dropout.pass;
  model.set_has_gradients();
  return mean.of(sum);
}

template <class T>
double BatchPass<T>::run_shards(PassContext context) {
  const Shards& shards = context.options.division.shards;
  const auto size = static_cast<kernels::Index>(context.model.parameters.size());
  const std::size_t count = shards.last - shards.first;
  while (shard_gradients_.size() + 1 < tree_slots(count)) {
    shard_gradients_.emplace_back(context.model.parameters.size());
  }
  shard_terms_.resize(tree_slots(count));
  const auto gradients_of = [&](std::size_t slot) {
    return slot == 0 ? context.trained->gradients.data() : shard_gradients_[slot - 1].data();
  };
  context.optimizer.reset();
  tree_sum(
      count,
      [&](std::size_t s, std::size_t slot) {
        context.rows = shards.rows_of(shards.first + s);
        context.gradients = gradients_of(slot);
        if (context.rows.count() == 0) {
          std::fill_n(context.gradients, size, T(0));
          shard_terms_[slot] = 0.0;
        } else {
          shard_terms_[slot] = run(context);
        }
      },
      [&](std::size_t from, std::size_t to) {
        const auto work = static_cast<double>(size);
        runtime::parallel(runtime::threads_for(work), work, [&](const runtime::Member& member) {
          const auto [begin, end] = member.share(static_cast<std::size_t>(size), kAlignment / sizeof(T));
          kernels::table<T>().add(static_cast<kernels::Index>(end - begin), gradients_of(from) + begin,
                                  gradients_of(to) + begin);
        });
        shard_terms_[to] += shard_terms_[from];
      });
  if (const auto& combine = context.options.division.combine) {
    shard_terms_[0] = (*combine)(context.trained->gradients.span(), shard_terms_[0]);
  }
  if (context.options.optimizer) {
    step_.apply(*context.trained, *context.options.optimizer, context.options.gradient_options);
  }
  return shard_terms_[0];
}

template <class T>
double BatchPass<T>::run(const PassContext& context) {
  const std::size_t rows = context.rows.count();
  const double work = static_cast<double>(rows) * static_cast<double>(context.model.parameters.size()) *
                      (context.options.gradients ? 3.0 : 1.0);
  const int threads = context.model.has_custom_activation() ? 1 : runtime::threads_for(work);
  const std::size_t segments = sum_order::num_segments(context.model.parameters.size(), rows);
  if (segments > 1) {
    const int team = std::min(threads, static_cast<int>(segments));
    reserve(context, static_cast<std::size_t>(team), std::min(rows, own_block_rows(context.model)), team, segments);
    return run_segments(context, team, work, segments);
  }
  reserve(context, 1, std::min(rows, kBlockRows), threads, 1);
  return run_blocks(context, threads, work);
}

template <class T>
void BatchPass<T>::reserve(const PassContext& context, std::size_t blocks, std::size_t block_rows, int threads,
                           std::size_t segments) {
  const model::Model<T>& model = context.model;
  if (blocks_.size() < blocks) {
    blocks_.resize(blocks);
  }
  for (Block& block : blocks_) {
    if (block.tape.rows() < block_rows) {
      // The tape comes last: its rows say that the block is complete, and each line may throw.
      block.terms.resize(block_rows);
      block.tape = Tape<T>(model, block_rows, Tape<T>::Keep::needed);
    }
  }
  workers_.reserve(model, threads);
  loss_sums_.assign(segments, 0.0);
  if (!context.options.gradients) {
    return;
  }
  if (segments > 1) {
    segments_.reserve(model, segments);
  }
  reserve_wide_sums(wide_, blocks, context.rows.count(), model.parameters.size());
}

template <class T>
bool BatchPass<T>::copies_input(const PassContext& context) noexcept {
  // If the row stride is a multiple of kL1Way, all rows start in the same set of the first-level cache. A set cannot
  // hold one line for each row of a register tile, so the rows would evict each other.
  const Batch<T>& batch = context.batch;
  return batch.index || !batch.x.is_view() || batch.x.view().row_stride() * sizeof(T) % hardware::kL1Way == 0;
}

template <class T>
LayerPass<T> BatchPass<T>::layer_pass(const PassContext& context, const Block& block, std::size_t first,
                                      std::size_t count) const {
  auto dropout = context.dropout;
  if (dropout) {
    dropout->first_row += first;
  }
  const ConstMatrixView<T> x =
      copies_input(context) ? ConstMatrixView<T>(block.tape.input()) : context.batch.x.view().middle_rows(first, count);
  return LayerPass<T>(context.model, block.tape, x, dropout);
}

template <class T>
void BatchPass<T>::copy_input(const PassContext& context, Block& block, std::size_t first, Rows rows) const {
  const Batch<T>& batch = context.batch;
  const MatrixView<T> input = block.tape.input();
  if (!batch.x.is_view()) {
    batch.x.read(first + rows.begin, input.middle_rows(rows.begin, rows.count()));
    return;
  }
  const ConstMatrixView<T> x = batch.x.view();
  for (std::size_t r = rows.begin; r < rows.end; ++r) {
    // The rows of a shuffled batch are scattered in memory: prefetch the next row while this one is copied. The target
    // is the second-level cache, which is faster than the first level (measured on Zen 4).
    const T* const next = x.row(batch.source(first + std::min(r + 1, rows.end - 1)));
    for (std::size_t col = 0; col < x.cols(); col += hardware::kCacheLine / sizeof(T)) {
      __builtin_prefetch(next + col, 0, 2);
    }
    std::copy_n(x.row(batch.source(first + r)), x.cols(), input.row(r));
  }
}

template <class T>
void BatchPass<T>::compute_loss_rows(const PassContext& context, Block& block, std::size_t first, Rows rows) const {
  const Batch<T>& batch = context.batch;
  const auto& top = block.tape.top();
  const MatrixView<T> s = loss_takes_output(context) ? top.a : top.z;
  const MatrixView<T> xi = context.options.gradients ? top.xi : MatrixView<T>();
  const model::RowLoss<T> row_loss(context.loss, s.cols(), batch.y);
  const model::RowMean mean = context.mean;
  double* const terms = block.terms.data();
  runtime::in_parts(rows.count(), kLossOperations * s.cols(), [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = rows.begin + begin; r < rows.begin + end; ++r) {
      const std::size_t source = batch.source(first + r);
      const double weight = batch.sample_weight.empty() ? 1.0 : static_cast<double>(batch.sample_weight[source]);
      const double loss = row_loss(s.row(r), source, static_cast<T>(weight * mean.reciprocal),
                                   xi.data() == nullptr ? nullptr : xi.row(r));
      terms[r] = mean.term(weight, loss);
    }
  });
  if (context.terms != nullptr) {
    std::copy(terms + rows.begin, terms + rows.end, context.terms + first + rows.begin);
  }
}

template <class T>
void BatchPass<T>::pass_block(const PassContext& context, Block& block, std::size_t first, std::size_t count,
                              const Share& share, const Worker<T>& worker) const {
  if (share.rows().count() == 0) {
    return;
  }
  if (copies_input(context)) {
    copy_input(context, block, first, share.whole_rows());
    share.barrier();
  }
  const LayerPass<T> layers = layer_pass(context, block, first, count);
  layers.forward(share, loss_takes_output(context), worker);
  compute_loss_rows(context, block, first, share.whole_rows());
  if (context.options.gradients) {
    if (loss_takes_output(context)) {
      layers.top_derivative(share.whole_rows(), worker);
    }
    share.barrier();
    const MatrixView<T> all = context.options.input_gradient;
    layers.backward(share, all.data() == nullptr ? all : all.middle_rows(first, count), worker);
  }
}

template <class T>
typename BatchPass<T>::Update BatchPass<T>::update_of(const PassContext& context,
                                                      const runtime::Member& member) const noexcept {
  if (!context.optimizer) {
    return Update::none;
  }
  // Penalties and clipping need the whole gradient first.
  if (context.options.gradient_options.any()) {
    return Update::at_the_end;
  }
  const auto rows = static_cast<double>(std::min(context.rows.count(), blocks_.front().tape.rows()));
  const double work =
      rows * static_cast<double>(context.model.parameters.size()) * (sizeof(T) > sizeof(float) ? 2.0 : 1.0);
  return work <= kMostUninterruptedWork * member.size() ? Update::by_pieces : Update::at_the_end;
}

template <class T>
double BatchPass<T>::run_blocks(const PassContext& context, int threads, double work) {
  const Rows rows = context.rows;
  Block& block = blocks_.front();
  const bool by_columns = shares_columns(context.model, std::min(rows.count(), block.tape.rows()), threads);
  const Chunks<T> chunks(rows.count(), rows.begin, rows.end);
  runtime::parallel(threads, work, [&](const runtime::Member& member) {
    Worker<T> worker = workers_[member.rank()];
    const Update update = update_of(context, member);
    for (std::size_t first = rows.begin, count = 0; first < rows.end; first += count) {
      count = chunks.rows_from(first, block.tape.rows());
      const bool last = first + count == rows.end;
      pass_block(context, block, first, count, share_of(member, by_columns, count), worker);
      if (last && update == Update::by_pieces) {
        begin_step(context, member);
      }
      member.barrier();
      if (member.rank() == 0) {
        loss_sums_[0] = sum_order::add_rows(loss_sums_[0], std::span(block.terms).first(count));
      }
      if (last && update == Update::by_pieces) {
        // If the members divided the rows, every member has read all weights and has them in its cache.
        worker.take_ownership = !by_columns && member.size() > 1 ? context.trained->parameters.data() : nullptr;
        const runtime::NoPolls to_the_end;
        add_gradients(context, member, chunks, first, count, worker,
                      [&](std::size_t from, std::size_t to) { step_.update(member, from, to); });
      } else if (context.options.gradients) {
        add_gradients(context, member, chunks, first, count, worker, [](std::size_t /*from*/, std::size_t /*to*/) {});
      }
      if (!last) {
        member.barrier();
        runtime::poll(count * context.model.parameters.size());
      }
    }
    if (update == Update::at_the_end) {
      begin_step(context, member);
      member.barrier();
      step_.run(member, *context.trained, context.options.gradient_options);
    }
  });
  return sum_order::add_segments(loss_sums_);
}

template <class T>
void BatchPass<T>::begin_step(const PassContext& context, const runtime::Member& member) {
  if (member.rank() == 0) {
    step_.begin(*context.trained, *context.optimizer);
  }
}

template <class T>
template <class Done>
void BatchPass<T>::add_gradients(const PassContext& context, const runtime::Member& member, const Chunks<T>& chunks,
                                 std::size_t first, std::size_t count, const Worker<T>& worker, Done done) {
  layer_pass(context, blocks_.front(), first, count)
      .gradients({0, count}, context.gradients, chunks, first, wide_.front(), static_cast<std::size_t>(member.rank()),
                 static_cast<std::size_t>(member.size()), worker, done);
}

template <class T>
void BatchPass<T>::run_segment(const PassContext& context, std::size_t s, std::size_t segments, std::size_t rank) {
  const std::size_t rows = context.rows.count();
  const std::size_t begin = context.rows.begin + sum_order::first_row(s, segments, rows);
  const std::size_t end = context.rows.begin + sum_order::first_row(s + 1, segments, rows);
  const Worker<T> worker = workers_[static_cast<int>(rank)];
  Block& block = blocks_[rank];
  const Chunks<T> chunks(rows, begin, end);
  for (std::size_t first = begin, count = 0; first < end; first += count) {
    count = chunks.rows_from(first, block.tape.rows());
    pass_block(context, block, first, count, Share::of_rows({0, count}), worker);
    loss_sums_[s] = sum_order::add_rows(loss_sums_[s], std::span(block.terms).first(count));
    if (context.options.gradients) {
      T* const gradients = s == 0 ? context.gradients : segments_.segment(s);
      layer_pass(context, block, first, count)
          .gradients({0, count}, gradients, chunks, first, wide_[rank], 0, 1, worker,
                     [](std::size_t /*from*/, std::size_t /*to*/) {});
    }
    runtime::poll(count * context.model.parameters.size());
  }
}

template <class T>
double BatchPass<T>::run_segments(const PassContext& context, int threads, double work, std::size_t segments) {
  const PassOptions& options = context.options;
  runtime::parallel(threads, work, [&](const runtime::Member& member) {
    const auto [first, last] = member.share(segments);
    for (std::size_t s = first; s < last; ++s) {
      run_segment(context, s, segments, static_cast<std::size_t>(member.rank()));
    }
    if (!options.gradients) {
      return;
    }
    if (context.optimizer) {
      begin_step(context, member);
    }
    member.barrier();
    const auto [begin, end] = segments_.add_to(member, 1, segments, context.gradients);
    if (!context.optimizer) {
      return;
    }
    if (!options.gradient_options.any()) {
      step_.update(member, begin, end);
    } else {
      member.barrier();
      step_.run(member, *context.trained, options.gradient_options);
    }
  });
  return sum_order::add_segments(loss_sums_);
}

template class BatchPass<float>;
template class BatchPass<double>;

}  // namespace backpass::pass

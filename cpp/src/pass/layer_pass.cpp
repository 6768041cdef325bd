#include "pass/layer_pass.hpp"

#include <algorithm>
#include <cmath>

#include "base/hardware.hpp"
#include "base/streams.hpp"
#include "model/activate.hpp"
#include "pass/two_buffers.hpp"
#include "runtime/interrupt.hpp"

namespace backpass::pass {

template <class T, class Memory>
void LayerPass<T, Memory>::forward(const Share& share, bool output, const Worker<T>& worker) const {
  const std::size_t last = model_.num_layers();
  // z^i = W^i a^{i-1} + b^i, a^i = φ_i(z^i)
  for (std::size_t i = 1; i <= last; ++i) {
    const LayerSpec& layer = model_.layer(i);
    const auto& [z, a, dropped, xi] = memory_.layer(i);
    const Rows rows = share.rows();
    const Rows whole_rows = share.whole_rows();
    const Columns columns = share.columns(layer.outputs);
    const bool activates = i < last || output;
    const bool elementwise = model::is_elementwise(layer.activation);
    // [forward]
    dense_forward(worker, model_, i, input_of(i, rows), of(z, rows, columns), columns.begin);
    if (activates && elementwise) {
      model::activate<T>(worker.kernels, layer.activation, of(z, rows, columns), of(a, rows, columns));
    }
    // [/forward]
    share.barrier();
    if ((!activates || elementwise) && !drops(i)) {
      continue;
    }
    if (activates && !elementwise) {
      model::activate<T>(worker.kernels, layer.activation, of(z, whole_rows), of(a, whole_rows));
    }
    if (drops(i)) {
      drop(i, whole_rows, of(a, whole_rows), of(dropped, whole_rows), worker);
    }
    share.barrier();
  }
}

template <class T, class Memory>
void LayerPass<T, Memory>::top_derivative(Rows rows, const Worker<T>& worker) const {
  // [top]
  const std::size_t last = model_.num_layers();
  model::multiply_by_derivative<T>(worker.kernels, model_.layer(last).activation, of(stored(last), rows),
                                   of(memory_.layer(last).xi, rows));
  // [/top]
}

template <class T, class Memory>
void LayerPass<T, Memory>::backward(const Share& share, MatrixView<T> input_gradient, const Worker<T>& worker) const {
  const Rows rows = share.rows();
  const Rows whole_rows = share.whole_rows();
  // [backward]
  // ξ^i = φ'_i(z^i) ⊙ (ξ^{i+1} W^{i+1})
  for (std::size_t i = model_.num_layers() - 1; i >= 1; --i) {
    const LayerSpec& layer = model_.layer(i);
    const MatrixView<T> xi = memory_.layer(i).xi;
    const Columns columns = share.columns(layer.outputs);
    dense_backward<T>(worker, model_, i + 1, of(memory_.layer(i + 1).xi, rows), of(xi, rows, columns), columns.begin);
    if (model::is_elementwise(layer.activation) && !drops(i)) {
      model::multiply_by_derivative<T>(worker.kernels, layer.activation, of(stored(i), rows, columns),
                                       of(xi, rows, columns));
    } else {
      share.barrier();
      if (drops(i)) {
        drop(i, whole_rows, of(xi, whole_rows), of(xi, whole_rows), worker);
      }
      model::multiply_by_derivative<T>(worker.kernels, layer.activation, of(stored(i), whole_rows), of(xi, whole_rows));
    }
    share.barrier();
  }
  // [/backward]
  // [input-gradient]
  if (input_gradient.data() != nullptr) {  // ∂E/∂a^0 = ξ^1 W^1
    const Columns columns = share.columns(input_gradient.cols());
    dense_backward<T>(worker, model_, 1, of(memory_.layer(1).xi, rows), of(input_gradient, rows, columns),
                      columns.begin);
  }
  // [/input-gradient]
}

template <class T, class Memory>
MatrixView<T> LayerPass<T, Memory>::stored(std::size_t i) const noexcept {
  const auto& layer = memory_.layer(i);
  return model::stored_for(model_.layer(i).activation) == kernels::Stored::preactivation ? layer.z : layer.a;
}

template <class T, class Memory>
void LayerPass<T, Memory>::drop(std::size_t i, Rows rows, MatrixView<T> from, MatrixView<T> to,
                                const Worker<T>& worker) const {
  // [dropout]
  const double p = dropout_rate(i);
  // An element is kept if its 32 random bits are ≥ threshold.
  const auto threshold = static_cast<std::uint32_t>(std::min(std::round(p * 0x1p32), 0x1p32 - 1.0));
  const std::uint64_t stream = dropout_stream(i - 1, dropout_->pass);
  constexpr std::size_t kOperations =
      16;  // cost estimate of one element, for polls: 10 rounds of Philox per 4 elements
  runtime::in_parts(rows.count(), kOperations * from.cols(), [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      const kernels::DropoutKey key{dropout_->seed, stream,
                                    static_cast<std::uint32_t>(dropout_->first_row + rows.begin + r)};
      worker.kernels.dropout(static_cast<kernels::Index>(from.cols()), key, threshold, static_cast<T>(1.0 / (1.0 - p)),
                             from.row(r), to.row(r));
    }
  });
  // [/dropout]
}

template <class T, class Memory>
Interval LayerPass<T, Memory>::weight_rows(std::size_t i, std::size_t part, std::size_t parts) const noexcept {
  const LayerSpec& layer = model_.layer(i);
  if (parts == 1) {
    return {0, layer.inputs};
  }
  std::size_t before = 0;
  std::size_t total = 0;
  for (std::size_t j = 1; j <= model_.num_layers(); ++j) {
    before += j < i ? model_.layer(j).num_weights() : 0;
    total += model_.layer(j).num_weights();
  }
  // The first row of part p in this layer, rounded to whole grains.
  const auto boundary = [&](std::size_t p) {
    if (p == parts) {
      return layer.inputs;
    }
    const double weights =
        static_cast<double>(total) * static_cast<double>(p) / static_cast<double>(parts) - static_cast<double>(before);
    const double grains = std::round(weights / static_cast<double>(layer.outputs * kRowGrain));
    return std::min(layer.inputs, static_cast<std::size_t>(std::max(0.0, grains)) * kRowGrain);
  };
  return {boundary(part), boundary(part + 1)};
}

template <class T, class Memory>
std::size_t LayerPass<T, Memory>::rows_in_cache(std::size_t outputs, const Worker<T>& worker) noexcept {
  // 384 KiB: the update finds the piece in the second-level cache, beside A and Ξ (docs/tuning.md).
  constexpr std::size_t kBytes = hardware::kL2 / 8 * 3;
  // Each piece reads all of ξ once per tile. 48 rows are four of the largest tiles; shorter pieces would read ξ too
  // often.
  constexpr std::size_t kLeastRows = 48;
  const auto tile_rows = static_cast<std::size_t>(worker.kernels.tile_rows);
  return std::max(kLeastRows, kBytes / (tile_rows * sizeof(T) * outputs) * tile_rows);
}

template class LayerPass<float>;
template class LayerPass<double>;
template void LayerPass<float, TwoBuffers<float>>::forward(const Share&, bool, const Worker<float>&) const;
template void LayerPass<double, TwoBuffers<double>>::forward(const Share&, bool, const Worker<double>&) const;

}  // namespace backpass::pass

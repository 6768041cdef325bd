#include "nn/layer_pass.hpp"

#include <algorithm>
#include <cmath>

#include "base/streams.hpp"
#include "kernels/dispatch.hpp"
#include "nn/activate.hpp"
#include "runtime/interrupt.hpp"

namespace backpass::nn {

template <class T>
void LayerPass<T>::forward(Rows rows, bool output, T* scratch) const {
  const std::size_t n = model_.layers.size();
  for (std::size_t i = 0; i < n; ++i) {
    const LayerSpec& layer = model_.layers[i];
    const auto& slot = tape_.layer(i);
    dense_forward(model_, i, input_of(i, rows), of(slot.z, rows), 0, scratch);
    if (i + 1 < n || output) {
      activate<T>(layer.activation, of(slot.z, rows), of(slot.a, rows));
    }
    if (layer.dropout > 0.0) {
      drop(i, rows, of(slot.a, rows), of(slot.dropped, rows));
    }
  }
}

template <class T>
void LayerPass<T>::forward_together(const runtime::Member& member, std::size_t rows, bool output, T* scratch) const {
  const Rows all{0, rows};
  const auto [first, last] = member.share(rows);
  const Rows mine{first, last};
  const std::size_t n = model_.layers.size();
  for (std::size_t i = 0; i < n; ++i) {
    const LayerSpec& layer = model_.layers[i];
    const auto& slot = tape_.layer(i);
    const bool activates = i + 1 < n || output;
    const bool by_columns = activates && is_elementwise(layer.activation);
    const auto [begin, end] = member.share(layer.outputs, kColumnGrain);
    const MatrixView<T> z = of(slot.z, all).middle_cols(begin, end - begin);
    dense_forward(model_, i, input_of(i, all), z, begin, scratch);
    if (by_columns) {
      activate<T>(layer.activation, z, of(slot.a, all).middle_cols(begin, end - begin));
    }
    member.barrier();
    if ((activates && !by_columns) || layer.dropout > 0.0) {
      if (activates && !by_columns) {
        activate<T>(layer.activation, of(slot.z, mine), of(slot.a, mine));
      }
      if (layer.dropout > 0.0) {
        drop(i, mine, of(slot.a, mine), of(slot.dropped, mine));
      }
      member.barrier();
    }
  }
}

template <class T>
void LayerPass<T>::top_derivative(Rows rows) const {
  derivative(model_.layers.size() - 1, rows);
}

template <class T>
void LayerPass<T>::backward(Rows rows, MatrixView<T> input_gradient, T* scratch) const {
  for (std::size_t i = model_.layers.size() - 1; i > 0; --i) {
    const MatrixView<T> below = of(tape_.layer(i - 1).xi, rows);
    dense_backward<T>(model_, i, of(tape_.layer(i).xi, rows), below, 0, scratch);
    if (model_.layers[i - 1].dropout > 0.0) {
      drop(i - 1, rows, below, below);
    }
    derivative(i - 1, rows);
  }
  if (input_gradient.data() != nullptr) {
    dense_backward<T>(model_, 0, of(tape_.layer(0).xi, rows), input_gradient, 0, scratch);
  }
}

template <class T>
void LayerPass<T>::backward_together(const runtime::Member& member, std::size_t rows, MatrixView<T> input_gradient,
                                     T* scratch) const {
  const Rows all{0, rows};
  const auto [first, last] = member.share(rows);
  const Rows mine{first, last};
  for (std::size_t i = model_.layers.size() - 1; i > 0; --i) {
    const LayerSpec& layer = model_.layers[i - 1];
    const auto [begin, end] = member.share(layer.outputs, kColumnGrain);
    const MatrixView<T> below = of(tape_.layer(i - 1).xi, all);
    dense_backward<T>(model_, i, of(tape_.layer(i).xi, all), below.middle_cols(begin, end - begin), begin, scratch);
    if (is_elementwise(layer.activation) && layer.dropout == 0.0) {
      multiply_by_derivative<T>(layer.activation, stored(i - 1, all).middle_cols(begin, end - begin),
                                below.middle_cols(begin, end - begin));
    } else {
      member.barrier();
      if (layer.dropout > 0.0) {
        drop(i - 1, mine, of(below, mine), of(below, mine));
      }
      derivative(i - 1, mine);
    }
    member.barrier();
  }
  if (input_gradient.data() != nullptr) {
    const auto [begin, end] = member.share(input_gradient.cols(), kColumnGrain);
    dense_backward<T>(model_, 0, of(tape_.layer(0).xi, all), input_gradient.middle_cols(begin, end - begin), begin,
                      scratch);
  }
}

template <class T>
ConstMatrixView<T> LayerPass<T>::stored(std::size_t i, Rows rows) const noexcept {
  const auto& slot = tape_.layer(i);
  return of(stored_for(model_.layers[i].activation) == kernels::Stored::preactivation ? slot.z : slot.a, rows);
}

template <class T>
void LayerPass<T>::derivative(std::size_t i, Rows rows) const {
  multiply_by_derivative<T>(model_.layers[i].activation, stored(i, rows), of(tape_.layer(i).xi, rows));
}

template <class T>
void LayerPass<T>::drop(std::size_t i, Rows rows, MatrixView<T> from, MatrixView<T> to) const {
  const double p = model_.layers[i].dropout;
  // An element is kept if its 32 random bits are ≥ threshold.
  const auto threshold = static_cast<std::uint32_t>(std::min(std::round(p * 0x1p32), 0x1p32 - 1.0));
  constexpr std::size_t kOperations = 16;  // cost estimate of one element, for polls
  runtime::in_parts(rows.count(), kOperations * from.cols(), [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      if (dropout_) {
        const kernels::DropoutKey key{dropout_->seed, dropout_stream(i, dropout_->pass),
                                      static_cast<std::uint32_t>(dropout_->first_row + rows.begin + r)};
        kernels::table<T>().dropout(static_cast<kernels::Index>(from.cols()), key, threshold,
                                    static_cast<T>(1.0 / (1.0 - p)), from.row(r), to.row(r));
      } else if (from.data() != to.data()) {
        std::copy_n(from.row(r), from.cols(), to.row(r));
      }
    }
  });
}

template <class T>
Rows LayerPass<T>::weight_rows(std::size_t i, std::size_t part, std::size_t parts) const noexcept {
  const LayerSpec& layer = model_.layers[i];
  std::size_t before = 0;
  std::size_t total = 0;
  for (std::size_t j = 0; j < model_.layers.size(); ++j) {
    before += j < i ? model_.layers[j].num_weights() : 0;
    total += model_.layers[j].num_weights();
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

template <class T>
std::size_t LayerPass<T>::rows_in_cache(std::size_t outputs) noexcept {
  constexpr std::size_t kBytes = std::size_t{384} << 10;
  constexpr std::size_t kTile = 12;  // rows of the widest instruction set's register tile
  constexpr std::size_t kLeastTiles = 4;
  return std::max(kLeastTiles, kBytes / (kTile * sizeof(T) * outputs)) * kTile;
}

template class LayerPass<float>;
template class LayerPass<double>;

}  // namespace backpass::nn

#include "nn/recursion.hpp"

#include <algorithm>
#include <cmath>

#include "base/streams.hpp"
#include "kernels/dispatch.hpp"
#include "nn/activate.hpp"

namespace backpass::nn {

template <class T>
void Recursion<T>::forward(Rows rows, bool output, T* scratch) const {
  const std::size_t n = model_.layers.size();
  for (std::size_t i = 0; i < n; ++i) {
    const LayerSpec& layer = model_.layers[i];
    const auto& slot = tape_.layer(i);
    dense_forward(model_, i, input_of(i, rows), of(slot.z, rows), scratch);
    if (i + 1 < n || output) {
      activate<T>(layer.activation, of(slot.z, rows), of(slot.a, rows));
    }
    if (layer.dropout > 0.0) {
      drop(i, rows, of(slot.a, rows), of(slot.dropped, rows));
    }
  }
}

template <class T>
void Recursion<T>::top_derivative(Rows rows) const {
  derivative(model_.layers.size() - 1, rows);
}

template <class T>
void Recursion<T>::backward(Rows rows, MatrixView<T> input_gradient, T* scratch) const {
  for (std::size_t i = model_.layers.size() - 1; i > 0; --i) {
    const MatrixView<T> below = of(tape_.layer(i - 1).xi, rows);
    dense_backward<T>(model_, i, of(tape_.layer(i).xi, rows), below, scratch);
    if (model_.layers[i - 1].dropout > 0.0) {
      drop(i - 1, rows, below, below);
    }
    derivative(i - 1, rows);
  }
  if (input_gradient.data() != nullptr) {
    dense_backward<T>(model_, 0, of(tape_.layer(0).xi, rows), input_gradient, scratch);
  }
}

template <class T>
void Recursion<T>::derivative(std::size_t i, Rows rows) const {
  const Activation& activation = model_.layers[i].activation;
  const auto& slot = tape_.layer(i);
  const bool from_z = stored_for(activation) == kernels::Stored::preactivation;
  multiply_by_derivative<T>(activation, of(from_z ? slot.z : slot.a, rows), of(slot.xi, rows));
}

template <class T>
void Recursion<T>::drop(std::size_t i, Rows rows, MatrixView<T> from, MatrixView<T> to) const {
  const double p = model_.layers[i].dropout;
  // The smallest number that a kept element's 32 random bits may be.
  const auto threshold = static_cast<std::uint32_t>(std::min(std::round(p * 0x1p32), 0x1p32 - 1.0));
  for (std::size_t r = 0; r < rows.count(); ++r) {
    if (dropout_) {
      const kernels::DropoutKey key{dropout_->seed, dropout_stream(i, dropout_->pass),
                                    static_cast<std::uint32_t>(dropout_->first_row + rows.begin + r)};
      kernels::table<T>().dropout(static_cast<kernels::Index>(from.cols()), key, threshold,
                                  static_cast<T>(1.0 / (1.0 - p)), from.row(r), to.row(r));
    } else if (from.data() != to.data()) {
      std::copy_n(from.row(r), from.cols(), to.row(r));
    }
  }
}

template <class T>
Rows Recursion<T>::weight_rows(std::size_t i, std::size_t part, std::size_t parts) const noexcept {
  const LayerSpec& layer = model_.layers[i];
  std::size_t before = 0;
  std::size_t total = 0;
  for (std::size_t j = 0; j < model_.layers.size(); ++j) {
    before += j < i ? model_.layers[j].num_weights() : 0;
    total += model_.layers[j].num_weights();
  }
  const auto tile = static_cast<std::size_t>(kernels::table<T>().tile_rows);
  // Where the boundary before part p falls in this layer, rounded to whole tiles.
  const auto boundary = [&](std::size_t p) {
    if (p == parts) {
      return layer.inputs;
    }
    const double weights =
        static_cast<double>(total) * static_cast<double>(p) / static_cast<double>(parts) - static_cast<double>(before);
    const double tiles = std::round(weights / static_cast<double>(layer.outputs * tile));
    return std::min(layer.inputs, static_cast<std::size_t>(std::max(0.0, tiles)) * tile);
  };
  return {boundary(part), boundary(part + 1)};
}

template class Recursion<float>;
template class Recursion<double>;

}  // namespace backpass::nn

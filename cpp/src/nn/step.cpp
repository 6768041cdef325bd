#include "nn/step.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "kernels/dispatch.hpp"

namespace backpass::nn {
namespace {

using kernels::Index;

/// Long enough to hide a chunk's bookkeeping, short enough to share out.
constexpr std::size_t kChunk = 4096;

}  // namespace

template <class T>
void Step<T>::make_chunks(const Model<T>& model) {
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const LayerSpec& layer = model.layers[i];
    const auto add = [&](std::size_t begin, std::size_t end, bool weights) {
      for (; begin < end; begin = std::min(begin + kChunk, end)) {
        chunks_.push_back({begin, std::min(begin + kChunk, end), i, weights, 0.0});
      }
    };
    const std::size_t biases = layer.offset + layer.num_weights();
    add(layer.offset, biases, true);
    add(biases, layer.offset + layer.num_parameters(), false);
  }
}

template <class T>
void Step<T>::check(const Model<T>& model, OptimizerRef optimizer) {
  groups_.resize(model.layers.size());
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const LayerSpec& layer = model.layers[i];
    groups_[i] = {layer.offset, layer.num_parameters(), layer.lr_scale, layer.trainable};
  }
  optim::UpdatePlan<T>::check(optimizer, model.parameters.size(), groups_);
}

template <class T>
void Step<T>::begin(Model<T>& model, OptimizerRef optimizer) {
  if (chunks_.empty()) {
    make_chunks(model);
  }
  plan_.advance(optimizer, model.parameters.span(), model.gradients.span(), groups_);
}

template <class T>
void Step<T>::run(const runtime::Member& member, Model<T>& model, const GradientOptions& options) {
  const auto& kernels = kernels::table<T>();
  T* const gradients = model.gradients.data();
  const auto [first, last] = member.share(chunks_.size());
  if (options.any()) {
    for (std::size_t c = first; c < last; ++c) {
      Chunk& chunk = chunks_[c];
      T* const g = gradients + chunk.begin;
      const auto n = static_cast<Index>(chunk.end - chunk.begin);
      const bool trainable = model.layers[chunk.layer].trainable;
      if (chunk.weights && trainable && (options.l1 != 0.0 || options.l2 != 0.0)) {
        kernels.add_penalty(n, static_cast<T>(options.l1), static_cast<T>(options.l2),
                            model.parameters.data() + chunk.begin, g);
      }
      chunk.squares = trainable ? kernels.sum_squares(n, g) : 0.0;
    }
    if (options.clip_norm > 0.0) {
      member.barrier();
      double squares = 0.0;
      for (const Chunk& chunk : chunks_) {
        squares += chunk.squares;
      }
      // PyTorch's clip_grad_norm_, its 1e-6 included.
      const double factor = options.clip_norm / (std::sqrt(squares) + 1e-6);
      for (std::size_t c = first; factor < 1.0 && c < last; ++c) {
        kernels.scale(static_cast<Index>(chunks_[c].end - chunks_[c].begin), static_cast<T>(factor),
                      gradients + chunks_[c].begin);
      }
    }
    for (std::size_t c = first; options.clip_value > 0.0 && c < last; ++c) {
      kernels.clamp(static_cast<Index>(chunks_[c].end - chunks_[c].begin), static_cast<T>(options.clip_value),
                    gradients + chunks_[c].begin);
    }
  }
  if (first < last) {
    update(member, chunks_[first].begin, chunks_[last - 1].end);
  }
}

void check_gradient_options(const GradientOptions& options) {
  const auto check = [](double value, const char* name) {
    if (!(value >= 0.0) || !std::isfinite(value)) {
      throw std::invalid_argument(std::string(name) + " must be finite and not negative, got " + std::to_string(value));
    }
  };
  check(options.l1, "l1");
  check(options.l2, "l2");
  check(options.clip_norm, "clip_norm");
  check(options.clip_value, "clip_value");
}

template class Step<float>;
template class Step<double>;

}  // namespace backpass::nn

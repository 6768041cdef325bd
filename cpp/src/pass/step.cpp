#include "pass/step.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include <backpass/error.hpp>

#include "kernels/dispatch.hpp"
#include "pass/sum_order.hpp"

namespace backpass::pass {

template <class T>
void Step<T>::make_chunks(const model::Model<T>& model) {
  std::vector<Chunk> chunks;  // assigned at the end: an incomplete list would leave out parameters
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const LayerSpec& layer = model.layers[i];
    const auto add = [&](std::size_t begin, std::size_t end, bool weights) {
      for (; begin < end; begin = std::min(begin + sum_order::kNormChunk, end)) {
        chunks.push_back({begin, std::min(begin + sum_order::kNormChunk, end), i, weights, 0.0});
      }
    };
    const std::size_t biases = layer.offset + layer.num_weights();
    add(layer.offset, biases, true);
    add(biases, layer.offset + layer.num_parameters(), false);
  }
  chunks_ = std::move(chunks);
}

template <class T>
void Step<T>::check(const model::Model<T>& model, OptimizerRef optimizer) {
  groups_.resize(model.layers.size());
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const LayerSpec& layer = model.layers[i];
    // Member by member: the copy of a temporary group would be slow, and every step does this.
    ParameterGroup& group = groups_[i];
    group.offset = layer.offset;
    group.num_biases = layer.bias ? layer.outputs : 0;
    group.size = layer.num_weights() + group.num_biases;
    group.lr_scale = layer.lr_scale;
    group.bias_lr_scale = layer.bias_lr_scale;
    group.trainable = layer.trainable;
  }
  optim::UpdatePlan<T>::check(optimizer, model.parameters.size(), groups_);
  const std::uint64_t owner = optimizer.state().owner.id();
  if (owner != 0 && owner != model.identity.value()) {
    throw StateError(std::string(optimizer.name()) +
                     " belongs to another network: its state comes from steps of that network. Call reset() first, or "
                     "use one optimizer per network (a copy belongs to the network that takes its next step)");
  }
}

template <class T>
void Step<T>::begin(model::Model<T>& model, OptimizerRef optimizer) {
  if (chunks_.empty()) {
    make_chunks(model);
  }
  plan_.advance(optimizer, model.parameters.span(), model.gradients.span(), groups_);
  optimizer.state().owner.set(model.identity.value());
  ++model.version;
}

template <class T>
typename Step<T>::Factors Step<T>::clip_factors(const runtime::Member& member, double clip_norm,
                                                const T* gradients) const {
  member.barrier();
  double squares = 0.0;
  for (const Chunk& chunk : chunks_) {
    squares += chunk.squares;
  }
  // The 1e-6 is that of PyTorch's clip_grad_norm_. Squares that underflow are negligible compared with it.
  double norm = std::sqrt(squares) + 1e-6;
  double power = 1.0;
  if (std::isinf(squares)) {
    // The square of a float64 above 1e154 overflows. Every member adds the squares of all gradients again, scaled by a
    // power of two, before any member changes a gradient. The 1e-6 is negligible compared with such a norm.
    power = 0x1p-600;
    squares = 0.0;
    for (const Chunk& chunk : chunks_) {
      for (std::size_t i = chunk.begin; i < chunk.end && groups_[chunk.layer].trainable; ++i) {
        const double small = static_cast<double>(gradients[i]) * power;
        squares += small * small;
      }
    }
    norm = std::sqrt(squares);
    member.barrier();
  }
  const double factor = clip_norm / norm * power;
  if (!(factor < static_cast<double>(std::numeric_limits<T>::min()))) {
    return {factor, 1.0};
  }
  // A factor below the smallest normal number would be flushed to 0, so two factors are applied. The first is a power
  // of two, so only the multiplication by the second one rounds.
  const double part = std::min(power, 0x1p-64);
  return {part, clip_norm * (power / part) / norm};
}

template <class T>
void Step<T>::run(const runtime::Member& member, model::Model<T>& model, const GradientOptions& options) {
  const auto& kernels = kernels::table<T>();
  T* const gradients = model.gradients.data();
  const auto [first, last] = member.share(chunks_.size());
  if (options.any()) {
    // [penalties]
    for (std::size_t c = first; c < last; ++c) {
      Chunk& chunk = chunks_[c];
      T* const g = gradients + chunk.begin;
      const auto n = static_cast<kernels::Index>(chunk.end - chunk.begin);
      const bool trainable = model.layers[chunk.layer].trainable;
      if (chunk.weights && trainable && (options.l1 != 0.0 || options.l2 != 0.0)) {
        kernels.add_penalty(n, static_cast<T>(options.l1), static_cast<T>(options.l2),
                            model.parameters.data() + chunk.begin, g);
      }
      chunk.squares = trainable ? kernels.sum_squares(n, g) : 0.0;
    }
    if (options.clip_norm > 0.0) {
      const Factors factors = clip_factors(member, options.clip_norm, gradients);
      // The condition is also true for NaN: if the norm is NaN, all gradients become NaN, as in PyTorch.
      for (std::size_t c = first; !(factors.first >= 1.0) && c < last; ++c) {
        const auto n = static_cast<kernels::Index>(chunks_[c].end - chunks_[c].begin);
        kernels.scale(n, static_cast<T>(factors.first), gradients + chunks_[c].begin);
        if (factors.second != 1.0) {
          kernels.scale(n, static_cast<T>(factors.second), gradients + chunks_[c].begin);
        }
      }
    }
    for (std::size_t c = first; options.clip_value > 0.0 && c < last; ++c) {
      kernels.clamp(static_cast<kernels::Index>(chunks_[c].end - chunks_[c].begin), static_cast<T>(options.clip_value),
                    gradients + chunks_[c].begin);
    }
    // [/penalties]
  }
  if (first < last) {
    update(member, chunks_[first].begin, chunks_[last - 1].end);
  }
}

template <class T>
void Step<T>::apply(model::Model<T>& model, OptimizerRef optimizer, const GradientOptions& options) {
  begin(model, optimizer);
  const auto work = static_cast<double>(model.parameters.size());
  runtime::parallel(runtime::threads_for(work), work,
                    [&](const runtime::Member& member) { run(member, model, options); });
}

template class Step<float>;
template class Step<double>;

}  // namespace backpass::pass

#include "nn/predictor.hpp"

#include <algorithm>

#include "kernels/dispatch.hpp"
#include "nn/activate.hpp"
#include "nn/dense.hpp"
#include "nn/tape.hpp"
#include "runtime/team.hpp"

namespace backpass::nn {
namespace {

/// Both buffers should stay in the second-level cache.
constexpr std::size_t kBufferBytes = std::size_t{512} << 10;
constexpr std::size_t kMinBlockRows = 128;
constexpr std::size_t kMaxBlockRows = 256;

}  // namespace

template <class T>
Predictor<T>::Predictor(const Model<T>& model, std::size_t max_rows, int threads) : max_rows_(max_rows) {
  const std::size_t widest = row_stride<T>(model.largest_layer());
  const std::size_t fitting = std::clamp(kBufferBytes / (2 * widest * sizeof(T)), kMinBlockRows, kMaxBlockRows);
  block_rows_ = std::clamp<std::size_t>(max_rows, 1, fitting);
  buffer_size_ = block_rows_ * widest;
  for (int t = 0; t < std::max(1, threads); ++t) {
    memory_.emplace_back(2 * buffer_size_ + dense_scratch_size(model));
  }
}

template <class T>
bool Predictor<T>::fits(const Model<T>& model) const noexcept {
  return block_rows_ * row_stride<T>(model.largest_layer()) <= buffer_size_;
}

template <class T>
void Predictor<T>::run(const Model<T>& model, ConstMatrixView<T> x, MatrixView<T> out, int num_threads) {
  const double work = static_cast<double>(x.rows()) * static_cast<double>(model.parameters.size());
  const int wanted = model.has_custom_activation() ? 1 : runtime::threads_for(work, num_threads);
  runtime::parallel(std::min(wanted, threads()), work, [&](const runtime::Member& member) {
    T* const memory = memory_[static_cast<std::size_t>(member.rank())].data();
    const auto [begin, end] = member.share(x.rows(), static_cast<std::size_t>(kernels::table<T>().tile_rows));
    for (std::size_t first = begin; first < end; first += block_rows_) {
      const std::size_t count = std::min(block_rows_, end - first);
      run_block(model, x.middle_rows(first, count), out.middle_rows(first, count), memory);
    }
  });
}

template <class T>
void Predictor<T>::run_block(const Model<T>& model, ConstMatrixView<T> x, MatrixView<T> out, T* memory) const {
  ConstMatrixView<T> a = x;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const LayerSpec& layer = model.layers[i];
    T* const buffer = memory + (i % 2) * buffer_size_;
    const MatrixView<T> z = i + 1 < model.layers.size()
                                ? MatrixView<T>(buffer, x.rows(), layer.outputs, row_stride<T>(layer.outputs))
                                : out;
    dense_forward(model, i, a, z, memory + 2 * buffer_size_);
    activate<T>(layer.activation, z, z);
    a = z;
  }
}

template class Predictor<float>;
template class Predictor<double>;

}  // namespace backpass::nn

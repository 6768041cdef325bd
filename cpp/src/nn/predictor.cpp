#include "nn/predictor.hpp"

#include <algorithm>
#include <utility>

#include "kernels/dispatch.hpp"
#include "nn/activate.hpp"
#include "nn/dense.hpp"
#include "nn/layer_pass.hpp"
#include "runtime/interrupt.hpp"
#include "runtime/team.hpp"

namespace backpass::nn {
namespace {

/// Bytes of both buffers together: they should stay in the second-level cache.
constexpr std::size_t kBufferBytes = std::size_t{512} << 10;
constexpr std::size_t kMinBlockRows = 128;
constexpr std::size_t kMaxBlockRows = 256;

/// The largest row stride of any layer. It may belong to a layer that is slightly narrower than the widest layer,
/// because row_stride() adds padding for some widths only.
template <class T>
std::size_t widest_stride(const Model<T>& model) noexcept {
  std::size_t widest = 0;
  for (const std::size_t size : model.sizes) {
    widest = std::max(widest, row_stride<T>(size));
  }
  return widest;
}

}  // namespace

template <class T>
Predictor<T>::Predictor(const Model<T>& model, std::size_t max_rows, int threads) : max_rows_(max_rows) {
  const std::size_t widest = widest_stride(model);
  const std::size_t fitting = std::clamp(kBufferBytes / (2 * widest * sizeof(T)), kMinBlockRows, kMaxBlockRows);
  block_rows_ = std::clamp<std::size_t>(max_rows, 1, fitting);
  buffer_size_ = block_rows_ * widest;
  for (int t = 0; t < std::max(1, threads); ++t) {
    memory_.emplace_back(2 * buffer_size_ + dense_scratch_size(model));
  }
}

template <class T>
bool Predictor<T>::fits(const Model<T>& model) const noexcept {
  return block_rows_ * widest_stride(model) <= buffer_size_;
}

template <class T>
double Predictor<T>::work_of(const Model<T>& model, std::size_t rows) noexcept {
  // With one or two rows, most of the time is spent on loading the weights.
  constexpr std::size_t kRowsOfFetching = 3;
  return static_cast<double>(std::max(rows, kRowsOfFetching)) * static_cast<double>(model.parameters.size());
}

template <class T>
int Predictor<T>::members_for(const Model<T>& model, double work, int num_threads) const {
  return model.has_custom_activation() ? 1 : std::min(runtime::threads_for(work, num_threads), threads());
}

template <class T>
void Predictor<T>::start_threads(const Model<T>& model) const {
  runtime::start_threads(members_for(model, work_of(model, max_rows_), 0));
}

template <class T>
void Predictor<T>::run(const Model<T>& model, const Input<T>& x, MatrixView<T> out, int num_threads) {
  if (x.rows() == 0) {  // the data pointers may be null
    return;
  }
  const double work = work_of(model, x.rows());
  const int members = members_for(model, work, num_threads);
  const bool together = shares_columns(model, std::min(x.rows(), block_rows_), members);
  const std::size_t x_stride = row_stride<T>(x.cols());
  while (!x.is_view() && inputs_.size() < memory_.size()) {
    inputs_.emplace_back(buffer_size_);  // large enough: buffer_size_ covers the widths of all layers and of the input
  }
  runtime::parallel(members, work, [&](const runtime::Member& member) {
    T* const memory = memory_[static_cast<std::size_t>(member.rank())].data();
    T* const scratch = memory + 2 * buffer_size_;
    const auto [begin, end] = together ? std::pair(std::size_t{0}, x.rows()) : member.share(x.rows(), kRowGrain);
    for (std::size_t first = begin; first < end; first += block_rows_) {
      const std::size_t count = std::min(block_rows_, end - first);
      ConstMatrixView<T> rows;
      if (x.is_view()) {
        rows = x.view().middle_rows(first, count);
      } else {
        const std::size_t owner = together ? 0 : static_cast<std::size_t>(member.rank());
        const MatrixView<T> converted(inputs_[owner].data(), count, x.cols(), x_stride);
        const auto [from, to] = together ? member.share(count) : std::pair(std::size_t{0}, count);
        x.read(first + from, converted.middle_rows(from, to - from));
        if (together) {
          member.barrier();
        }
        rows = converted;
      }
      if (together) {
        run_together(member, model, rows, out.middle_rows(first, count), scratch);
      } else {
        run_block(model, rows, out.middle_rows(first, count), memory, scratch);
      }
      if (first + count < end) {
        runtime::poll(count * model.parameters.size());
      }
    }
  });
}

template <class T>
MatrixView<T> Predictor<T>::output_of(const Model<T>& model, std::size_t i, MatrixView<T> out, T* memory) const {
  const std::size_t cols = model.layers[i].outputs;
  return i + 1 == model.layers.size()
             ? out
             : MatrixView<T>(memory + (i % 2) * buffer_size_, out.rows(), cols, row_stride<T>(cols));
}

template <class T>
void Predictor<T>::run_block(const Model<T>& model, ConstMatrixView<T> x, MatrixView<T> out, T* memory,
                             T* scratch) const {
  ConstMatrixView<T> a = x;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const MatrixView<T> z = output_of(model, i, out, memory);
    dense_forward(model, i, a, z, 0, scratch);
    activate<T>(model.layers[i].activation, z, z);
    a = z;
  }
}

template <class T>
void Predictor<T>::run_together(const runtime::Member& member, const Model<T>& model, ConstMatrixView<T> x,
                                MatrixView<T> out, T* scratch) {
  ConstMatrixView<T> a = x;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const Activation& activation = model.layers[i].activation;
    const MatrixView<T> z = output_of(model, i, out, memory_.front().data());
    const auto [begin, end] = member.share(z.cols(), kColumnGrain);
    const MatrixView<T> columns = z.middle_cols(begin, end - begin);
    dense_forward(model, i, a, columns, begin, scratch);
    if (is_elementwise(activation)) {
      activate<T>(activation, columns, columns);
    } else {
      member.barrier();
      const auto [first, last] = member.share(z.rows());
      activate<T>(activation, z.middle_rows(first, last - first), z.middle_rows(first, last - first));
    }
    member.barrier();
    a = z;
  }
}

template class Predictor<float>;
template class Predictor<double>;

}  // namespace backpass::nn

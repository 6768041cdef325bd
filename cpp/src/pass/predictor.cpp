#include "pass/predictor.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/floating_point_mode.hpp"
#include "base/hardware.hpp"
#include "kernels/dispatch.hpp"
#include "pass/layer_pass.hpp"
#include "pass/share.hpp"
#include "pass/two_buffers.hpp"
#include "pass/worker.hpp"
#include "runtime/interrupt.hpp"
#include "runtime/team.hpp"

namespace backpass::pass {
namespace {

/// Bytes of both buffers together: they should stay in the second-level cache.
constexpr std::size_t kBufferBytes = hardware::kL2 / 2;
/// A wide layer may exceed kBufferBytes: with 128 rows, a vector of weights takes 64 cycles of multiply-adds (two per
/// cycle), and packing it about 2. More than 256 rows would only lengthen the time between polls.
constexpr std::size_t kMinPredictedRows = 128;
constexpr std::size_t kMaxPredictedRows = 256;

/// The largest row stride of any layer. It may belong to a layer that is slightly narrower than the widest layer,
/// because row_stride() adds padding for some widths only.
template <class T>
std::size_t widest_stride(const model::Model<T>& model) noexcept {
  std::size_t widest = 0;
  for (const std::size_t size : model.sizes) {
    widest = std::max(widest, row_stride<T>(size));
  }
  return widest;
}

}  // namespace

template <class T>
Predictor<T>::Predictor(const model::Model<T>& model, std::size_t max_rows, int threads)
    : row_plan_(model), max_rows_(max_rows) {
  const std::size_t widest = widest_stride(model);
  const std::size_t fitting = std::clamp(kBufferBytes / (2 * widest * sizeof(T)), kMinPredictedRows, kMaxPredictedRows);
  block_rows_ = std::clamp<std::size_t>(max_rows, 1, fitting);
  buffer_size_ = block_rows_ * widest;
  for (int t = 0; t < std::max(1, threads); ++t) {
    memory_.emplace_back(2 * buffer_size_ + Worker<T>::scratch_size(model));
  }
}

template <class T>
bool Predictor<T>::is_wide_enough(const model::Model<T>& model) const noexcept {
  return block_rows_ * widest_stride(model) <= buffer_size_;
}

template <class T>
double Predictor<T>::work_of(const model::Model<T>& model, std::size_t rows) noexcept {
  // With one or two rows, most of the time is spent on loading the weights.
  constexpr std::size_t kRowsOfFetching = 3;
  return static_cast<double>(std::max(rows, kRowsOfFetching)) * static_cast<double>(model.parameters.size());
}

template <class T>
int Predictor<T>::members_for(const model::Model<T>& model, double work, int num_threads) const {
  return model.has_custom_activation() ? 1 : std::min(runtime::threads_for(work, num_threads), threads());
}

template <class T>
void Predictor<T>::start_threads(const model::Model<T>& model) const {
  runtime::start_threads(members_for(model, work_of(model, max_rows_), 0));
}

template <class T>
void Predictor<T>::run(const model::Model<T>& model, const Input<T>& x, MatrixView<T> out, int num_threads) {
  if (x.rows() == 0) {  // the data pointers may be null
    return;
  }
  if (x.rows() == 1 && x.is_view() && row_plan_.is_for(model)) {
    T* const memory = memory_.front().data();
    const FloatingPointMode mode;
    row_plan_.run(x.view().data(), out.data(), {memory, memory + buffer_size_});
    return;
  }
  const double work = work_of(model, x.rows());
  const int members = members_for(model, work, num_threads);
  const bool by_columns = shares_columns(model, std::min(x.rows(), block_rows_), members);
  const std::size_t x_stride = row_stride<T>(x.cols());
  while (!x.is_view() && inputs_.size() < memory_.size()) {
    inputs_.emplace_back(buffer_size_);  // large enough: buffer_size_ covers the widths of all layers and of the input
  }
  runtime::parallel(members, work, [&](const runtime::Member& member) {
    const auto rank = static_cast<std::size_t>(member.rank());
    // A team that shares columns works on the same rows, in the memory of member 0.
    const std::size_t owner = by_columns ? 0 : rank;
    const Worker<T> worker{kernels::table<T>(), memory_[rank].data() + 2 * buffer_size_};
    const auto [begin, end] = by_columns ? std::pair(std::size_t{0}, x.rows()) : member.share(x.rows(), kRowGrain);
    for (std::size_t first = begin; first < end; first += block_rows_) {
      const std::size_t count = std::min(block_rows_, end - first);
      const Share share = by_columns ? Share::of_columns(member, count) : Share::of_rows({0, count});
      ConstMatrixView<T> rows;
      if (x.is_view()) {
        rows = x.view().middle_rows(first, count);
      } else {
        const MatrixView<T> converted(inputs_[owner].data(), count, x.cols(), x_stride);
        const Rows own = share.whole_rows();
        x.read(first + own.begin, converted.middle_rows(own.begin, own.count()));
        share.barrier();
        rows = converted;
      }
      const TwoBuffers<T> memory(model, out.middle_rows(first, count), memory_[owner].data(), buffer_size_);
      LayerPass(model, memory, rows, std::nullopt).forward(share, true, worker);
      if (first + count < end) {
        runtime::poll(count * model.parameters.size());
      }
    }
  });
}

template class Predictor<float>;
template class Predictor<double>;

}  // namespace backpass::pass

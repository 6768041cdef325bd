#include "pass/stored_pass.hpp"

#include <algorithm>

#include "pass/sum_order.hpp"
#include "runtime/team.hpp"

namespace backpass::pass {
template <class T>
LayerPass<T> StoredPass<T>::layer_pass(const model::Model<T>& model) const noexcept {
  return LayerPass<T>(model, *tape_, tape_->input().middle_rows(0, *rows_), dropout_);
}

template <class T>
double StoredPass<T>::work(const model::Model<T>& model, double passes) const noexcept {
  return passes * static_cast<double>(*rows_) * static_cast<double>(model.parameters.size());
}

template <class T>
int StoredPass<T>::threads(const model::Model<T>& model, double work) {
  const int threads = model.has_custom_activation() ? 1 : runtime::threads_for(work);
  workers_.reserve(model, threads);
  return threads;
}

template <class T>
ConstMatrixView<T> StoredPass<T>::forward(const model::Model<T>& model, const Input<T>& x,
                                          std::optional<DropoutPass> dropout) {
  if (!tape_ || tape_->rows() < x.rows()) {
    // Allocate at least one row: multiply() does arithmetic on the base address, which must not be null.
    tape_ = std::make_shared<Tape<T>>(model, std::max<std::size_t>(x.rows(), 1), Tape<T>::Keep::everything);
  }
  rows_ = x.rows();
  dropout_ = dropout;
  version_ = model.version;
  has_xi_ = false;
  try {
    const double products = work(model, 1.0);
    const int members = threads(model, products);
    const bool by_columns = shares_columns(model, x.rows(), members);
    runtime::parallel(members, products, [&](const runtime::Member& member) {
      const Share share = share_of(member, by_columns, x.rows());
      const Rows own = share.whole_rows();
      x.read(own.begin, tape_->input().middle_rows(own.begin, own.count()));
      share.barrier();
      layer_pass(model).forward(share, true, workers_[member.rank()]);
    });
  } catch (...) {
    rows_.reset();  // a custom φ or a poll threw: the activations are incomplete, and backward() must refuse them
    throw;
  }
  return tape_->top().a.middle_rows(0, x.rows());
}

template <class T>
void StoredPass<T>::backward(model::Model<T>& model, ConstMatrixView<T> grad_output, MatrixView<T> input_gradient,
                             bool accumulate) {
  const std::size_t rows = *rows_;
  has_xi_ = false;  // until ξ is complete: a custom φ' or a poll may throw
  const std::size_t segments = sum_order::num_segments(model.parameters.size(), rows);
  if (segments > 1) {
    segments_.reserve(model, segments);
  }
  const double products = work(model, 2.0);
  const int members = threads(model, products);
  reserve_wide_sums(wide_, segments == 1 ? 1 : static_cast<std::size_t>(members), rows, model.parameters.size());
  const bool by_columns = shares_columns(model, rows, members);
  runtime::parallel(members, products, [&](const runtime::Member& member) {
    const Worker<T> worker = workers_[member.rank()];
    const auto rank = static_cast<std::size_t>(member.rank());
    const LayerPass<T> layers = layer_pass(model);
    const Share share = share_of(member, by_columns, rows);
    const Rows own = share.whole_rows();
    Input<T>(grad_output).read(own.begin, tape_->top().xi.middle_rows(own.begin, own.count()));
    layers.top_derivative(own, worker);
    share.barrier();
    layers.backward(share, input_gradient, worker);
    member.barrier();
    if (segments == 1) {
      if (accumulate && Chunks<T>::are_used(rows)) {
        const auto [from, to] = member.share(model.gradients.size());
        wide_.front().start(model.gradients.data(), from, to);
        member.barrier();
      }
      sum_gradient(layers, {0, rows}, model.gradients.data(), accumulate, wide_.front(), rank,
                   static_cast<std::size_t>(member.size()), worker);
      return;
    }
    const auto [first, last] = member.share(segments);
    for (std::size_t s = first; s < last; ++s) {
      const Rows of_segment{sum_order::first_row(s, segments, rows), sum_order::first_row(s + 1, segments, rows)};
      // Unless the gradients accumulate, the first segment is written to its destination directly.
      T* const gradients = s == 0 && !accumulate ? model.gradients.data() : segments_.segment(s);
      sum_gradient(layers, of_segment, gradients, false, wide_[rank], 0, 1, worker);
    }
    member.barrier();
    segments_.add_to(member, accumulate ? 0 : 1, segments, model.gradients.data());
  });
  has_xi_ = true;
  model.set_has_gradients();
}

template <class T>
void StoredPass<T>::sum_gradient(const LayerPass<T>& layers, Rows summed, T* gradients, bool onto, WideSum<T>& wide,
                                 std::size_t part, std::size_t parts, const Worker<T>& worker) const {
  const Chunks<T> chunks(*rows_, summed.begin, summed.end, onto);
  std::size_t row = summed.begin;
  do {  // runs once even for zero rows, whose gradient is zero
    const std::size_t count = chunks.rows_from(row, *rows_);
    layers.gradients({row, row + count}, gradients, chunks, row, wide, part, parts, worker,
                     [](std::size_t /*from*/, std::size_t /*to*/) {});
    row += count;
  } while (row < summed.end);
}

template class StoredPass<float>;
template class StoredPass<double>;

}  // namespace backpass::pass

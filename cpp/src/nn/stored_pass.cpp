#include "nn/stored_pass.hpp"

#include <algorithm>

#include "kernels/dispatch.hpp"
#include "runtime/team.hpp"

namespace backpass::nn {
template <class T>
LayerPass<T> StoredPass<T>::layer_pass(const Model<T>& model) const noexcept {
  return LayerPass<T>(model, *tape_, tape_->input().middle_rows(0, *rows_), dropout_);
}

template <class T>
double StoredPass<T>::work(const Model<T>& model, double passes) const noexcept {
  return passes * static_cast<double>(*rows_) * static_cast<double>(model.parameters.size());
}

template <class T>
int StoredPass<T>::threads(const Model<T>& model, double work) {
  const int threads = model.has_custom_activation() ? 1 : runtime::threads_for(work);
  while (scratch_.size() < static_cast<std::size_t>(threads)) {
    scratch_.emplace_back(dense_scratch_size(model));
  }
  return threads;
}

template <class T>
ConstMatrixView<T> StoredPass<T>::forward(const Model<T>& model, const Input<T>& x,
                                          std::optional<DropoutPass> dropout) {
  if (!tape_ || tape_->rows() < x.rows()) {
    // Allocate at least one row: multiply() does arithmetic on the base address, which must not be null.
    tape_ = std::make_shared<Tape<T>>(model, std::max<std::size_t>(x.rows(), 1), Tape<T>::Keep::everything);
  }
  rows_ = x.rows();
  dropout_ = dropout;
  has_xi_ = false;
  try {
    const double products = work(model, 1.0);
    const int members = threads(model, products);
    const bool together = shares_columns(model, x.rows(), members);
    runtime::parallel(members, products, [&](const runtime::Member& member) {
      T* const scratch = scratch_[static_cast<std::size_t>(member.rank())].data();
      const auto [begin, end] = member.share(x.rows(), kRowGrain);
      x.read(begin, tape_->input().middle_rows(begin, end - begin));
      if (together) {
        member.barrier();
        layer_pass(model).forward_together(member, x.rows(), true, scratch);
      } else {
        layer_pass(model).forward({begin, end}, true, scratch);
      }
    });
  } catch (...) {
    rows_.reset();  // a custom φ or a poll threw: the activations are incomplete, and backward() must refuse them
    throw;
  }
  return tape_->top().a.middle_rows(0, x.rows());
}

template <class T>
void StoredPass<T>::backward(Model<T>& model, ConstMatrixView<T> grad_output, MatrixView<T> input_gradient,
                             bool accumulate) {
  const std::size_t rows = *rows_;
  has_xi_ = false;  // until ξ is complete: a custom φ' or a poll may throw
  const std::size_t segments = SegmentedGradient<T>::count(model, rows);
  if (segments > 1) {
    segments_.reserve(model, segments);
  }
  const double products = work(model, 2.0);
  const int members = threads(model, products);
  const bool in_chunks = Chunks<T>::are_used(rows);
  if (in_chunks) {
    const auto sums = segments == 1 ? std::size_t{1} : static_cast<std::size_t>(members);
    if (wide_.size() < sums) {
      wide_.resize(sums);
    }
    for (WideSum<T>& sum : wide_) {
      sum.reserve(model.parameters.size());
    }
  }
  const bool together = shares_columns(model, rows, members);
  runtime::parallel(members, products, [&](const runtime::Member& member) {
    T* const scratch = scratch_[static_cast<std::size_t>(member.rank())].data();
    const LayerPass<T> layers = layer_pass(model);
    const auto [begin, end] = member.share(rows, kRowGrain);
    Input<T>(grad_output).read(begin, tape_->top().xi.middle_rows(begin, end - begin));
    layers.top_derivative({begin, end});
    if (together) {
      member.barrier();
      layers.backward_together(member, rows, input_gradient, scratch);
    } else {
      layers.backward(
          {begin, end},
          input_gradient.data() == nullptr ? input_gradient : input_gradient.middle_rows(begin, end - begin), scratch);
    }
    member.barrier();

    /// Computes part `part` of `parts` of the gradient, summed over the rows `summed`.
    /// \param onto  true: adds to the content of `gradients`
    const auto sum_up = [&](Rows summed, T* gradients, bool onto, WideSum<T>* wide, std::size_t part,
                            std::size_t parts) {
      const Chunks<T> chunks(rows, summed.begin, summed.end);
      std::size_t row = summed.begin;
      do {  // runs once even for zero rows, whose gradient is zero
        const std::size_t count = chunks.rows_from(row, rows);
        layers.gradients({row, row + count}, gradients, onto && !in_chunks, nullptr, part, parts, scratch,
                         [&](std::size_t from, std::size_t to) {
                           if (chunks.ends_at(row + count)) {
                             wide->take(chunks, row + count, gradients, from, to, onto);
                           }
                         });
        row += count;
      } while (row < summed.end);
    };
    if (segments == 1) {
      if (in_chunks && accumulate) {
        const auto [from, to] = member.share(model.gradients.size());
        wide_.front().start(model.gradients.data(), from, to);
        member.barrier();
      }
      sum_up({0, rows}, model.gradients.data(), accumulate, wide_.data(), static_cast<std::size_t>(member.rank()),
             static_cast<std::size_t>(member.size()));
      return;
    }
    const auto [first, last] = member.share(segments);
    for (std::size_t s = first; s < last; ++s) {
      const Rows of_segment{SegmentedGradient<T>::first_row(s, segments, rows),
                            SegmentedGradient<T>::first_row(s + 1, segments, rows)};
      const bool onto = s == 0 && !accumulate;  // the first segment is written to its destination directly
      sum_up(of_segment, onto ? model.gradients.data() : segments_.segment(s), false,
             in_chunks ? &wide_[static_cast<std::size_t>(member.rank())] : nullptr, 0, 1);
    }
    member.barrier();
    segments_.add_to(member, accumulate ? 0 : 1, segments, model.gradients.data());
  });
  has_xi_ = true;
}

template class StoredPass<float>;
template class StoredPass<double>;

}  // namespace backpass::nn

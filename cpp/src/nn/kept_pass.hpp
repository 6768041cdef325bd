/// forward() and backward() as the user calls them: everything is kept, for backward, and to be looked at.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include <backpass/input.hpp>
#include <backpass/matrix.hpp>

#include "base/aligned_buffer.hpp"
#include "nn/model.hpp"
#include "nn/recursion.hpp"
#include "nn/segments.hpp"
#include "nn/tape.hpp"
#include "nn/wide_sum.hpp"

namespace backpass::nn {

template <class T>
class KeptPass {
 public:
  /// x (rows, M_0) is copied, since the caller may change it before backward().
  ConstMatrixView<T> forward(const Model<T>& model, const Input<T>& x, std::optional<DropoutPass> dropout);
  /// With the masks of that forward. grad_output (rows, M_N); input_gradient (rows, M_0) or empty.
  void backward(Model<T>& model, ConstMatrixView<T> grad_output, MatrixView<T> input_gradient, bool accumulate);

  /// Rows of the last forward(), none before it.
  [[nodiscard]] std::optional<std::size_t> rows() const noexcept { return rows_; }
  [[nodiscard]] bool has_xi() const noexcept { return has_xi_; }
  [[nodiscard]] const std::shared_ptr<Tape<T>>& tape() const noexcept { return tape_; }

 private:
  [[nodiscard]] Recursion<T> recursion(const Model<T>& model) const noexcept;
  /// In multiply-adds.
  [[nodiscard]] double work(const Model<T>& model, double passes) const noexcept;
  [[nodiscard]] int threads(const Model<T>& model, double work);

  std::shared_ptr<Tape<T>> tape_;
  std::optional<std::size_t> rows_;
  std::optional<DropoutPass> dropout_;
  bool has_xi_ = false;
  std::vector<AlignedBuffer<T>> scratch_;
  SegmentedGradient<T> segments_;
  std::vector<WideSum<T>> wide_;  ///< one a thread that sums segments, or one for all
};

}  // namespace backpass::nn

/// Inference: row blocks go through all layers. Only the output is kept.
#pragma once

#include <cstddef>
#include <vector>

#include <backpass/input.hpp>
#include <backpass/matrix.hpp>

#include "base/aligned_buffer.hpp"
#include "model/model.hpp"
#include "pass/row_plan.hpp"
#include "runtime/team.hpp"

namespace backpass::pass {

/// Computes predictions and holds their scratch memory. Calls on one object must not overlap.
template <class T>
class Predictor {
 public:
  /// \param max_rows  rows of the largest expected batch; larger batches take more blocks
  /// \param threads   the largest number of threads that run() may use
  Predictor(const model::Model<T>& model, std::size_t max_rows, int threads);

  [[nodiscard]] std::size_t max_rows() const noexcept { return max_rows_; }
  /// True if the buffers are large enough for the widest layer of the model.
  [[nodiscard]] bool fits(const model::Model<T>& model) const noexcept {
    return row_plan_.is_for(model) || is_wide_enough(model);
  }
  [[nodiscard]] int threads() const noexcept { return static_cast<int>(memory_.size()); }
  /// Starts the threads that run() uses for up to max_rows() rows.
  void start_threads(const model::Model<T>& model) const;
  /// out = a^N. The shapes must have been checked. Allocates memory only for the first x that needs conversion.
  /// \param x            (B, M_0)
  /// \param out          (B, M_N)
  /// \param num_threads  an upper limit; 0: get_num_threads()
  void run(const model::Model<T>& model, const Input<T>& x, MatrixView<T> out, int num_threads);

 private:
  [[nodiscard]] bool is_wide_enough(const model::Model<T>& model) const noexcept;
  /// An estimate of the multiply-adds.
  [[nodiscard]] static double work_of(const model::Model<T>& model, std::size_t rows) noexcept;
  [[nodiscard]] int members_for(const model::Model<T>& model, double work, int num_threads) const;

  RowPlan<T> row_plan_;
  std::size_t max_rows_;
  std::size_t block_rows_;
  std::size_t buffer_size_;
  std::vector<AlignedBuffer<T>> memory_;  ///< one per thread: two buffers for activations, then scratch
  std::vector<AlignedBuffer<T>> inputs_;  ///< one per thread, or empty: a block of converted rows
};

}  // namespace backpass::pass

/// Inference: blocks of rows through all layers, two buffers that take turns, nothing kept.
#pragma once

#include <cstddef>
#include <vector>

#include <backpass/input.hpp>
#include <backpass/matrix.hpp>

#include "base/aligned_buffer.hpp"
#include "nn/model.hpp"
#include "runtime/team.hpp"

namespace backpass::nn {

/// The scratch memory of one call at a time, and the call.
template <class T>
class Predictor {
 public:
  /// \param max_rows  rows of the largest batch expected; larger ones take more blocks \param threads  at most used
  Predictor(const Model<T>& model, std::size_t max_rows, int threads);

  [[nodiscard]] std::size_t max_rows() const noexcept { return max_rows_; }
  /// Whether there is room for a model's widest layer.
  [[nodiscard]] bool fits(const Model<T>& model) const noexcept;
  [[nodiscard]] int threads() const noexcept { return static_cast<int>(memory_.size()); }
  /// Starts the threads that run() uses for up to max_rows() rows.
  void start_threads(const Model<T>& model) const;
  /// out = a^N of shapes that are known to fit. Allocates nothing, but for the first x that must be converted.
  /// \param num_threads  0: as the work asks
  void run(const Model<T>& model, const Input<T>& x, MatrixView<T> out, int num_threads);

 private:
  /// Multiply-adds, roughly.
  [[nodiscard]] static double work_of(const Model<T>& model, std::size_t rows) noexcept;
  [[nodiscard]] int members_for(const Model<T>& model, double work, int num_threads) const;
  /// Where a^i of a block goes: to one of two buffers at `memory`, or `out`.
  [[nodiscard]] MatrixView<T> output_of(const Model<T>& model, std::size_t i, MatrixView<T> out, T* memory) const;
  void run_block(const Model<T>& model, ConstMatrixView<T> x, MatrixView<T> out, T* memory, T* scratch) const;
  /// A block by a team, which meets after every layer; each member has some of its columns.
  void run_together(const runtime::Member& member, const Model<T>& model, ConstMatrixView<T> x, MatrixView<T> out,
                    T* scratch);

  std::size_t max_rows_;
  std::size_t block_rows_;
  std::size_t buffer_size_;
  std::vector<AlignedBuffer<T>> memory_;  ///< one a thread: two buffers of activations, and scratch
  std::vector<AlignedBuffer<T>> inputs_;  ///< one a thread, or none: a block of converted rows
};

}  // namespace backpass::nn

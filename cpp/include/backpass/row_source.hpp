/// \file row_source.hpp
/// Data sets that are larger than memory. fit reads them window by window.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <backpass/compiler.hpp>
#include <backpass/loss.hpp>
#include <backpass/matrix.hpp>

namespace backpass {

/// Consecutive rows of an epoch.
template <class T>
struct RowWindow {
  ConstMatrixView<T> x;                   ///< (B, M_0)
  Targets<T> y;                           ///< (B, M_N), or labels (B)
  std::span<const T> sample_weight = {};  ///< (B), or empty
};

/// The order in which a training reads the rows of an epoch.
struct SourcePass {
  std::size_t epoch = 0;        ///< counted from 0
  std::size_t window_rows = 0;  ///< B of every window but the last one, which has the other rows
  bool shuffle = true;          ///< FitOptions::shuffle
  std::uint64_t seed = 0;       ///< of the shuffles
};

/// A data set whose rows are read once per epoch.
template <class T>
class BACKPASS_EXPORT RowSource {
 public:
  RowSource() = default;
  RowSource(const RowSource&) = delete;
  RowSource& operator=(const RowSource&) = delete;
  virtual ~RowSource();

  /// The rows of an epoch. Always the same number.
  [[nodiscard]] virtual std::size_t rows() const = 0;
  /// The rows that a window should have. fit rounds this number up to whole batches.
  [[nodiscard]] virtual std::size_t buffer_rows() const = 0;
  /// Starts an epoch, also if the last one has not been read to its end. The order of the rows must be a function of
  /// the pass alone, so that a training can be repeated and resumed. With SourcePass::shuffle, fit shuffles the rows
  /// within each window; the source may shuffle larger parts.
  virtual void begin(const SourcePass& pass) = 0;
  /// The next window of the epoch. It is valid until the next call of begin() or next().
  virtual RowWindow<T> next() = 0;
};

extern template class RowSource<float>;
extern template class RowSource<double>;

}  // namespace backpass

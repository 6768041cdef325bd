/// Copies the rows of a mini-batch into contiguous matrices, which a custom loss takes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <backpass/matrix.hpp>

namespace backpass::train {

template <class T>
class CustomBatch {
 public:
  CustomBatch(ConstMatrixView<T> x, const Targets<T>& y) : x_(x), y_(y) {}

  /// Copies rows of x and y.
  /// \param rows  (B), row numbers in x and y
  void gather(std::span<const std::uint32_t> rows) {
    count_ = rows.size();
    gather_matrix(x_, rows, x_rows_);
    if (!y_.are_labels()) {
      gather_matrix(y_.values(), rows, y_rows_);
      return;
    }
    labels_.resize(rows.size());
    std::transform(rows.begin(), rows.end(), labels_.begin(), [&](std::uint32_t row) { return y_.label(row); });
  }
  [[nodiscard]] ConstMatrixView<T> x() const noexcept { return {x_rows_.data(), count_, x_.cols()}; }
  [[nodiscard]] Targets<T> y() const noexcept {
    if (y_.are_labels()) {
      return std::span<const std::int64_t>(labels_);
    }
    return ConstMatrixView<T>(y_rows_.data(), count_, y_.values().cols());
  }

 private:
  static void gather_matrix(ConstMatrixView<T> from, std::span<const std::uint32_t> rows, std::vector<T>& to) {
    to.resize(rows.size() * from.cols());
    for (std::size_t r = 0; r < rows.size(); ++r) {
      std::copy_n(from.row(rows[r]), from.cols(), to.data() + r * from.cols());
    }
  }

  ConstMatrixView<T> x_;
  Targets<T> y_;
  std::size_t count_ = 0;
  std::vector<T> x_rows_, y_rows_;
  std::vector<std::int64_t> labels_;
};

}  // namespace backpass::train

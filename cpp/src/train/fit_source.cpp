/// A training whose rows come from a source, window by window.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <variant>

#include "base/checked.hpp"
#include "base/floating_point_mode.hpp"
#include "base/require.hpp"
#include "model/check_loss.hpp"
#include "pass/network_access.hpp"
#include "train/fit.hpp"

namespace backpass {

template <class T>
RowSource<T>::~RowSource() = default;

template class RowSource<float>;
template class RowSource<double>;

namespace train {
template <class T>
void Fit<T>::check_source() const {
  require(options_.communicator == nullptr,
          "a source of rows cannot be used with a communicator: each process needs "
          "its rows in memory");
  require(options_.sample_weight.empty(), "sample_weight must come from the source of rows, not from an argument");
  require(options_.validation_split == 0.0,
          "validation_split needs the rows in memory; give validation_data with a source of rows");
  require((options_.metrics.empty() && options_.custom_metrics.empty()) || options_.validation_data.has_value(),
          "metrics of a source of rows are those of validation_data, but there is no validation_data");
}

template <class T>
void Fit<T>::divide_into_windows() {
  const std::size_t batch_size = std::min(options_.batch_size, rows());
  const std::size_t buffer_rows = source_->buffer_rows();
  const std::size_t batches = buffer_rows / batch_size + (buffer_rows % batch_size == 0 ? 0 : 1);
  window_rows_ = std::min(rows(), checked_mul(std::max<std::size_t>(1, batches), batch_size).value_or(rows()));
  require(window_rows_ <= std::numeric_limits<std::uint32_t>::max(),
          "a window of the source would have more than 2^32 - 1 rows; use a smaller buffer_rows");
}

template <class T>
void Fit<T>::begin_source(std::size_t epoch) {
  windows_read_ = 0;
  first_batch_ = 0;
  window_ = Partition(0, 1, shards_, 0, shards_);
  in_callers_mode([&] { source_->begin({epoch, window_rows_, options_.shuffle, *memory_.seed}); });
}

template <class T>
void Fit<T>::read_window_of(std::size_t epoch, std::size_t batch) {
  while (batch >= first_batch_ + window_.batches()) {
    first_batch_ += window_.batches();
    const std::size_t first_row = windows_read_ * window_rows_;
    const std::size_t expected = std::min(rows() - first_row, window_rows_);
    const RowWindow<T> window = in_callers_mode([&] { return source_->next(); });
    const std::string place =
        "rows from " + std::to_string(first_row) + " on, in the order of epoch " + std::to_string(epoch + 1) + ": ";
    NetworkAccess::check_input<T>(network_, window.x, place);
    require(window.x.rows() == expected, place + "the source gave a window of " + std::to_string(window.x.rows()) +
                                             " rows instead of " + std::to_string(expected));
    NetworkAccess::check_loss<T>(network_, loss_, expected, window.y, window.sample_weight, place);
    model::require_weights(window.sample_weight, place);
    x_ = given_x_ = window.x;
    y_ = given_y_ = window.y;
    sample_weight_ = window.sample_weight;
    place_ = kept_window_rows() != 0 ? place : std::string();
    window_ = Partition(expected, std::min(options_.batch_size, rows()), shards_, 0, shards_);
    order_.resize(expected);
    shuffle_rows(epoch, windows_read_);
    ++windows_read_;
    if (std::holds_alternative<CustomLoss>(loss_)) {
      custom_batch_.emplace(x_, y_);
    }
  }
}

#define BACKPASS_INSTANTIATE(T)                    \
  template void Fit<T>::check_source() const;      \
  template void Fit<T>::divide_into_windows();     \
  template void Fit<T>::begin_source(std::size_t); \
  template void Fit<T>::read_window_of(std::size_t, std::size_t);
BACKPASS_INSTANTIATE(float)
BACKPASS_INSTANTIATE(double)
#undef BACKPASS_INSTANTIATE

}  // namespace train
}  // namespace backpass

/// The rows of a training: those of this process, their order, and the weights of batches.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>

#include "base/floating_point_mode.hpp"
#include "base/require.hpp"
#include "base/shuffle.hpp"
#include "base/streams.hpp"
#include "base/text.hpp"
#include "model/check_loss.hpp"
#include "runtime/interrupt.hpp"
#include "train/fit.hpp"

namespace backpass::train {
namespace {

/// \throws std::invalid_argument unless the weights are finite, ≥ 0 and not all zero on all processes
template <class T>
void check_weights(std::span<const T> weights, Group& group) {
  if (group.is_alone()) {
    model::reciprocal_weight_sum(weights, weights.size());
    return;
  }
  model::require_weights(weights);
  double total = weights.empty() ? 0.0 : static_cast<double>(*std::max_element(weights.begin(), weights.end()));
  group.max(std::span(&total, 1));
  require(total > 0.0, "sample_weight: all weights are zero");
}

/// The rows of all processes, and those of the processes before this one.
std::pair<std::size_t, std::size_t> counts_of(std::size_t rows, Group& group) {
  const std::vector<std::size_t> counts = group.counts(rows);
  const auto own = counts.begin() + static_cast<std::ptrdiff_t>(group.rank());
  const std::size_t all = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
  require(all > 0, "no rows: the mean loss of zero samples is undefined");
  return {all, std::accumulate(counts.begin(), own, std::size_t{0})};
}

/// \param rows  row numbers in the weights
template <class T>
double sum_in_order(std::span<const T> weights, std::span<const std::uint32_t> rows) {
  return std::accumulate(rows.begin(), rows.end(), 0.0,
                         [&](double sum, std::uint32_t row) { return sum + static_cast<double>(weights[row]); });
}

/// A number that differs if the bytes differ, almost certainly.
template <class N>
std::uint64_t checksum(std::span<const N> numbers, std::uint64_t sum = 14695981039346656037U) {
  for (const N number : numbers) {
    sum = (sum ^ std::bit_cast<std::conditional_t<sizeof(N) == 4, std::uint32_t, std::uint64_t>>(number)) *
          1099511628211U;
  }
  return sum;
}

}  // namespace

template <class T>
void Fit<T>::take_data(const DataRows<T>& own) {
  const std::size_t own_shards = shards_ / group_.size();
  const auto partition = [&](std::size_t rows, std::size_t batch_size) {
    return Partition(rows, batch_size, shards_, group_.rank() * own_shards, (group_.rank() + 1) * own_shards);
  };
  const std::size_t outputs = network_.sizes().back();
  // Evaluates the rows of a data set, of which this process now has own rows from row `first` on.
  const auto evaluate = [&](std::optional<Evaluation<T>>& evaluation, std::optional<MovedRows<T>>& moved,
                            DataRows<T> rows, std::size_t first, const Partition& of_all) {
    if (!group_.is_alone()) {
      rows = moved.emplace(group_, rows, first, of_all, outputs).view();
    }
    if (rows.weighted) {
      check_weights(rows.sample_weight, group_);
    }
    evaluation.emplace(network_, rows, loss_, SharedRows{of_all, &group_}, options_);
    return rows;
  };
  const auto [all, first] =
      counts_of(source_ != nullptr ? in_callers_mode([&] { return source_->rows(); }) : own.x.rows(), group_);
  const std::size_t held_out = validation_rows(all, options_.validation_split);
  const std::size_t kept = all - held_out;
  const std::size_t own_kept = std::min(own.x.rows(), kept - std::min(kept, first));
  partition_ = partition(kept, options_.batch_size);
  window_ = partition_;
  if (held_out > 0) {
    const std::size_t first_held_out = std::max(first, kept) - kept;
    evaluate(validation_, moved_validation_, own.middle(own_kept, own.x.rows() - own_kept), first_held_out,
             partition(held_out, held_out));
  } else if (options_.validation_data) {
    const auto& [vx, vy] = *options_.validation_data;
    const auto [validation_all, validation_first] = counts_of(vx.rows(), group_);
    evaluate(validation_, moved_validation_, {vx, vy, {}, false}, validation_first,
             partition(validation_all, validation_all));
  }
  if (source_ != nullptr) {
    divide_into_windows();
    return;
  }
  const DataRows<T> rows = evaluate(training_, moved_, own.middle(0, own_kept), first, partition_);
  x_ = rows.x;
  y_ = rows.y;
  sample_weight_ = rows.sample_weight;
  weights_are_given_ = rows.weighted;
}

template <class T>
void Fit<T>::synchronise() {
  if (group_.is_alone()) {
    return;
  }
  const TrainingPosition& at = memory_.position;
  group_.require_same("another training in resume_from",
                      {"epoch " + std::to_string(at.epochs), "step " + std::to_string(at.steps)});
  auto dropout = network_.dropout_state();
  std::array<std::uint64_t, 3> seeds{dropout.seed, dropout.pass, memory_.seed.value_or(0)};
  group_.broadcast(std::as_writable_bytes(std::span(seeds)));
  network_.set_dropout_state({seeds[0], seeds[1]});
  memory_.seed = seeds[2];
  group_.broadcast(std::as_writable_bytes(network_.parameters()));
}

template <class T>
void Fit<T>::check_same_state() {
  if (group_.is_alone()) {
    return;
  }
  std::uint64_t sum = checksum(std::as_const(network_).parameters());
  for (const auto& slot : optimizer_.state().template arrays<T>()) {
    sum = checksum(std::span<const T>(slot), sum);
  }
  const auto dropout = network_.dropout_state();
  std::vector<std::string> items = settings_of(resume_target(), loss_);
  items.push_back("dropout pass " + std::to_string(dropout.pass) + " of seed " + std::to_string(dropout.seed));
  items.push_back("parameters and optimizer with the checksum " + std::to_string(sum));
  group_.require_same("another network or optimizer", items);
}

template <class T>
bool Fit<T>::agree_to_stop(bool stop) {
  return group_.is_alone() ? stop : group_.agree(0.0, stop || stop_requested_).stop;
}

template <class T>
std::span<const std::uint32_t> Fit<T>::rows_of(std::size_t batch) const {
  const pass::Rows rows = window_.rows(batch - first_batch_);
  return std::span(order_).subspan(rows.begin, rows.count());
}

template <class T>
double Fit<T>::weight_of(std::size_t batch) const {
  if (sample_weight_.empty() && batch_weights_.empty()) {
    return static_cast<double>(partition_.shards(batch).batch_rows);
  }
  if (!batch_weights_.empty()) {
    return batch_weights_[batch];
  }
  const std::span<const std::uint32_t> rows = rows_of(batch);
  if (shards_ > 1) {
    return pass::weight_sum(sample_weight_, partition_.shards(batch), [&](std::size_t row) { return rows[row]; });
  }
  return sum_in_order(sample_weight_, rows);
}

template <class T>
double Fit<T>::weight_of_epoch() {
  if (source_ != nullptr) {
    return static_cast<double>(rows());  // the factor of epoch_mean_ only keeps sums finite
  }
  if (shards_ == 1) {
    return sample_weight_.empty() ? static_cast<double>(order_.size()) : sum_in_order<T>(sample_weight_, order_);
  }
  add_batch_weights();
  return batch_weights_.empty() ? static_cast<double>(rows())
                                : std::accumulate(batch_weights_.begin(), batch_weights_.end(), 0.0);
}

template <class T>
void Fit<T>::add_batch_weights() {
  if (shards_ == 1 || !weights_are_given_) {
    return;
  }
  batch_weights_.assign(batches(), 0.0);
  for (std::size_t batch = 0; batch < batches() && !sample_weight_.empty(); ++batch) {
    const std::span<const std::uint32_t> rows = rows_of(batch);
    batch_weights_[batch] =
        pass::weight_sum(sample_weight_, partition_.shards(batch), [&](std::size_t row) { return rows[row]; });
  }
  group_.sum(std::span(batch_weights_));
}

template <class T>
void Fit<T>::begin_rows(std::size_t epoch) {
  if (source_ != nullptr) {
    begin_source(epoch);
    return;
  }
  shuffle_rows(epoch);
  add_batch_weights();
}

template <class T>
void Fit<T>::shuffle_rows(std::size_t epoch, std::size_t window) {
  std::iota(order_.begin(), order_.end(), 0U);
  if (!options_.shuffle) {
    return;
  }
  for (std::size_t part = 0; part < window_.num_parts(); ++part) {
    const std::size_t shard = (window + group_.rank()) * window_.num_parts() + part;
    shuffle_part(part, Philox(*memory_.seed, shuffle_stream(epoch, shard % kShuffleStreams)));
  }
}

template <class T>
void Fit<T>::shuffle_part(std::size_t part, const Philox& random) {
  constexpr std::size_t kOperations = 64;  // an exchange is a random number and a cache miss
  std::vector<std::uint32_t> rows;
  const auto for_part = [&](auto f) {
    runtime::in_parts(window_.batches(), kOperations, [&](std::size_t begin, std::size_t end) {
      for (std::size_t batch = begin; batch < end; ++batch) {
        const pass::Rows run = window_.rows_of_part(part, batch);
        std::for_each(order_.begin() + static_cast<std::ptrdiff_t>(run.begin),
                      order_.begin() + static_cast<std::ptrdiff_t>(run.end), f);
      }
    });
  };
  if (shards_ > 1) {
    for_part([&](std::uint32_t row) { rows.push_back(row); });
  }
  std::span<std::uint32_t> left(shards_ > 1 ? rows : order_);
  runtime::in_parts(left.size(), kOperations, [&](std::size_t begin, std::size_t end) {
    shuffle_last(left, end - begin, random);
    left = left.first(left.size() - (end - begin));
  });
  if (shards_ > 1) {
    auto next = rows.begin();
    for_part([&](std::uint32_t& row) { row = *next++; });
  }
}

#define BACKPASS_INSTANTIATE(T)                                               \
  template void Fit<T>::take_data(const DataRows<T>&);                        \
  template void Fit<T>::synchronise();                                        \
  template void Fit<T>::check_same_state();                                   \
  template bool Fit<T>::agree_to_stop(bool);                                  \
  template std::span<const std::uint32_t> Fit<T>::rows_of(std::size_t) const; \
  template double Fit<T>::weight_of(std::size_t) const;                       \
  template double Fit<T>::weight_of_epoch();                                  \
  template void Fit<T>::begin_rows(std::size_t);                              \
  template void Fit<T>::shuffle_rows(std::size_t, std::size_t);
BACKPASS_INSTANTIATE(float)
BACKPASS_INSTANTIATE(double)
#undef BACKPASS_INSTANTIATE

}  // namespace backpass::train

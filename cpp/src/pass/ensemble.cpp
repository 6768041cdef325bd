/// The members of an ensemble, their predictions, and the statistics of these predictions.
#include <backpass/ensemble.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

#include <backpass/error.hpp>
#include <backpass/random.hpp>

#include "base/floating_point_mode.hpp"
#include "base/require.hpp"
#include "base/streams.hpp"
#include "model/require_matrix.hpp"
#include "pass/network_access.hpp"
#include "runtime/interrupt.hpp"

namespace backpass {
namespace {

/// Elements of the members' outputs that reduce() keeps at a time. Half a second-level cache of floats (1 MiB), so that
/// the sums read them from there.
constexpr std::size_t kReducedElements = std::size_t{1} << 17U;
/// But at least this number of rows: with fewer rows, predict() loads the weights more often than it has to.
constexpr std::size_t kMinReducedRows = 256;
/// Cost estimate of one output of one member in multiply-adds, for polls: a sort takes about 20 comparisons per
/// element.
constexpr std::size_t kReduceOperations = 20;

[[noreturn]] void refuse_member(std::size_t k, const std::string& what) {
  throw std::invalid_argument("network " + std::to_string(k) + " of the ensemble " + what);
}

template <class T>
void require_members(const std::vector<std::shared_ptr<Network<T>>>& members) {
  require(!members.empty(), "an ensemble needs at least one network");
  std::vector<const Network<T>*> sorted;
  for (std::size_t k = 0; k < members.size(); ++k) {
    if (members[k] == nullptr) {
      refuse_member(k, "is null");
    }
    const auto sizes = members[k]->sizes();
    const auto first = members[0]->sizes();
    if (sizes.empty()) {
      refuse_member(k, "was moved from");
    }
    if (sizes.front() != first.front() || sizes.back() != first.back()) {
      refuse_member(k, "has " + std::to_string(sizes.front()) + " inputs and " + std::to_string(sizes.back()) +
                           " outputs, but network 0 has " + std::to_string(first.front()) + " and " +
                           std::to_string(first.back()));
    }
    sorted.push_back(members[k].get());
  }
  std::sort(sorted.begin(), sorted.end(), std::less<>());
  if (const auto twin = std::adjacent_find(sorted.begin(), sorted.end()); twin != sorted.end()) {
    const auto again = std::find_if(members.rbegin(), members.rend(), [&](const auto& m) { return m.get() == *twin; });
    refuse_member(static_cast<std::size_t>(members.rend() - again) - 1, "is there twice: use a copy");
  }
}

/// The mean over the values of one output, in double.
double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// The standard deviation with divisor K.
double std_of(std::span<const double> values) {
  const double mean = mean_of(values);
  const auto add_square = [=](double sum, double a) { return sum + (a - mean) * (a - mean); };
  return std::sqrt(std::accumulate(values.begin(), values.end(), 0.0, add_square) / static_cast<double>(values.size()));
}

/// Returns f(values). If all values are finite and the result is not, a sum or a square has overflowed: then returns
/// f(values / 2^600) · 2^600, and the values have changed.
template <class F>
double without_overflow(std::span<double> values, F f) {
  const double result = f(values);
  if (std::isfinite(result) || !std::all_of(values.begin(), values.end(), [](double a) { return std::isfinite(a); })) {
    return result;
  }
  constexpr double kLarge = 0x1p600;
  std::transform(values.begin(), values.end(), values.begin(), [](double a) { return a / kLarge; });
  return f(values) * kLarge;
}

/// \param sorted  ascending
/// \param q       in [0, 1]
double quantile_of(std::span<const double> sorted, double q) {
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const double low = sorted[below];
  const double high = sorted[std::min(below + 1, sorted.size() - 1)];
  const double part = place - static_cast<double>(below);
  // Equal values first: the difference of two infinities is NaN.
  if (low == high || part == 0.0) {
    return low;
  }
  const double difference = high - low;  // may overflow
  return std::isfinite(difference) ? low + part * difference : low * (1.0 - part) + high * part;
}

}  // namespace

std::vector<std::uint64_t> ensemble_seeds(std::uint64_t seed, std::size_t members) {
  const Philox random(seed, kMemberStream);
  std::vector<std::uint64_t> seeds(members);
  for (std::size_t k = 0; k < members; ++k) {
    seeds[k] = random.bits(k);
  }
  return seeds;
}

template <class T>
Ensemble<T>::Ensemble(const NetworkOptions& options, std::size_t members) {
  require(members > 0, "an ensemble needs at least one network");
  NetworkOptions own = options;
  const std::uint64_t seed = options.seed.value_or(random_seed());
  for (const std::uint64_t member_seed : ensemble_seeds(seed, members)) {
    own.seed = member_seed;
    members_.push_back(std::make_shared<Network<T>>(own));
  }
}

template <class T>
Ensemble<T> Ensemble<T>::of(std::vector<std::shared_ptr<Network<T>>> members) {
  require_members(members);
  return Ensemble(std::move(members));
}

template <class T>
Ensemble<T>::Ensemble(const Ensemble& other) {
  (void)other.first();
  members_.reserve(other.size());
  for (const auto& member : other.members_) {
    members_.push_back(std::make_shared<Network<T>>(*member));
  }
}

template <class T>
Ensemble<T>& Ensemble<T>::operator=(const Ensemble& other) {
  if (this != &other) {
    *this = Ensemble(other);
  }
  return *this;
}

template <class T>
const Network<T>& Ensemble<T>::first() const {
  if (members_.empty()) {
    throw StateError("this ensemble was moved from: assign a valid object to it first");
  }
  return *members_.front();
}

template <class T>
const std::shared_ptr<Network<T>>& Ensemble<T>::member(std::size_t k) const {
  (void)first();
  if (k >= size()) {
    throw std::out_of_range("member " + std::to_string(k) + " is out of range: the ensemble has " +
                            std::to_string(size()) + " members");
  }
  return members_[k];
}

/// Calls f(rows of x, number of the first row) for blocks of rows. Rows that need conversion are converted once.
template <class T>
template <class F>
void Ensemble<T>::for_each_block(const Input<T>& x, std::size_t block_rows, F f) const {
  std::vector<T> converted;
  for (std::size_t begin = 0; begin < x.rows(); begin += block_rows) {
    const std::size_t count = std::min(block_rows, x.rows() - begin);
    if (x.is_view()) {
      f(x.view().middle_rows(begin, count), begin);
      continue;
    }
    converted.resize(count * x.cols());
    const MatrixView<T> rows(converted.data(), count, x.cols());
    x.read(begin, rows);
    f(ConstMatrixView<T>(rows), begin);
  }
}

template <class T>
void Ensemble<T>::predict(const Input<T>& x, MatrixView<T> out, int num_threads) const {
  NetworkAccess::check_input(first(), x);
  const std::size_t rows = x.rows();
  model::require_output("out", out, size() * rows, first().sizes().back());
  model::require_apart("x", x, "out", out);
  const std::size_t block = x.is_view() ? std::max<std::size_t>(1, rows) : kMinReducedRows;
  for_each_block(x, block, [&](ConstMatrixView<T> part, std::size_t begin) {
    for (std::size_t k = 0; k < size(); ++k) {
      members_[k]->predict(part, out.middle_rows(k * rows + begin, part.rows()), num_threads);
    }
  });
}

/// Computes statistics of the members' outputs.
/// \param results  number of statistics (R)
/// \param out      (R · B, M_N)
/// \param f        f(values, statistics): reads the members' values of one output (K), in any order afterwards, and
///                 writes the statistics (R)
template <class T>
template <class F>
void Ensemble<T>::reduce(const Input<T>& x, std::size_t results, MatrixView<T> out, int num_threads, F f) const {
  NetworkAccess::check_input(first(), x);
  const std::size_t outputs = first().sizes().back();
  model::require_output("out", out, results * x.rows(), outputs);
  model::require_apart("x", x, "out", out);
  const std::size_t block =
      std::clamp(kReducedElements / (size() * outputs), kMinReducedRows, std::max(kMinReducedRows, x.rows()));
  std::vector<T> all(size() * std::min(block, x.rows()) * outputs);
  std::vector<double> values(size());
  std::vector<double> statistics(results);
  for_each_block(x, block, [&](ConstMatrixView<T> part, std::size_t begin) {
    const std::size_t rows = part.rows();
    for (std::size_t k = 0; k < size(); ++k) {
      members_[k]->predict(part, MatrixView<T>(all.data() + k * rows * outputs, rows, outputs), num_threads);
    }
    runtime::in_parts(rows * outputs, kReduceOperations * size(), [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) {
        for (std::size_t k = 0; k < size(); ++k) {
          values[k] = static_cast<double>(all[k * rows * outputs + i]);
        }
        f(std::span(values), std::span(statistics));
        for (std::size_t r = 0; r < results; ++r) {
          out(r * x.rows() + begin + i / outputs, i % outputs) = static_cast<T>(statistics[r]);
        }
      }
    });
  });
}

template <class T>
void Ensemble<T>::mean(const Input<T>& x, MatrixView<T> out, int num_threads) const {
  in_own_mode([&] {
    reduce(x, 1, out, num_threads,
           [](std::span<double> values, std::span<double> result) { result[0] = without_overflow(values, mean_of); });
  });
}

template <class T>
void Ensemble<T>::std(const Input<T>& x, MatrixView<T> out, int num_threads) const {
  in_own_mode([&] {
    reduce(x, 1, out, num_threads,
           [](std::span<double> values, std::span<double> result) { result[0] = without_overflow(values, std_of); });
  });
}

template <class T>
void Ensemble<T>::quantile(const Input<T>& x, std::span<const double> q, MatrixView<T> out, int num_threads) const {
  for (const double one : q) {
    require(Range::from_0_to_1, "quantile", "q", one);
  }
  in_own_mode([&] {
    reduce(x, q.size(), out, num_threads, [&](std::span<double> values, std::span<double> results) {
      if (std::any_of(values.begin(), values.end(), [](double value) { return std::isnan(value); })) {
        std::fill(results.begin(), results.end(), std::numeric_limits<double>::quiet_NaN());
        return;
      }
      std::sort(values.begin(), values.end());
      std::transform(q.begin(), q.end(), results.begin(), [&](double one) { return quantile_of(values, one); });
    });
  });
}

template class Ensemble<float>;
template class Ensemble<double>;

}  // namespace backpass

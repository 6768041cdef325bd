/// The order of sums, which decides the bits of results. The constants here are not tuning constants: with other values
/// every result changes within its rounding error, and so does the table of golden hashes. docs/mathematics.md states
/// the rule. The order inside one product is that of kernels/kernel_table.hpp: one chain, with k in order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>

namespace backpass::pass::sum_order {

// ---- Segments: the sum over the rows of a batch (segments.hpp). With segments, a thread adds the rows that it has
// computed, and does not load activations of other threads. But each segment needs a copy of the gradient.

inline constexpr std::size_t kFewSegments = 4;
inline constexpr std::size_t kManySegments = 16;
/// The least rows of a segment, for up to kFewSegments segments and for more.
inline constexpr std::size_t kRowsForFewSegments = 32;
inline constexpr std::size_t kRowsForManySegments = 128;
/// The most parameters of a network whose sums have segments. A copy of a float gradient then takes 128 KiB, an eighth
/// of the second-level cache.
inline constexpr std::size_t kMostSegmentedParameters = 32768;
/// Parameters times rows: the least work that pays for a second thread. One thread takes about 10 µs for it.
inline constexpr std::size_t kLeastSegmentedWork = 200'000;

// [segments]
/// The number of segments of the sum over the rows of a batch. 1: a single sum over all rows.
[[nodiscard]] inline std::size_t num_segments(std::size_t num_parameters, std::size_t rows) noexcept {
  if (num_parameters > kMostSegmentedParameters || num_parameters * rows < kLeastSegmentedWork) {
    return 1;
  }
  return std::max(std::clamp<std::size_t>(rows / kRowsForFewSegments, 1, kFewSegments),
                  std::min<std::size_t>(rows / kRowsForManySegments, kManySegments));
}
/// The first row of segment s: ⌊rows · s / segments⌋. Shards divide the rows of a batch in the same way.
[[nodiscard]] inline std::size_t first_row(std::size_t s, std::size_t segments, std::size_t rows) noexcept {
  return rows * s / segments;
}
// [/segments]

/// The sum of the rows' terms of E (RowMean::term): the rows of a segment in order, then the segments in order.
/// \returns `sum` plus the terms of a segment's next rows
[[nodiscard]] inline double add_rows(double sum, std::span<const double> terms) noexcept {
  return std::accumulate(terms.begin(), terms.end(), sum);
}
[[nodiscard]] inline double add_segments(std::span<const double> sums) noexcept {
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

// ---- Chunks: a long chain of float additions within a segment (wide_sum.hpp).

/// Batches of more rows have chunks. In shorter batches, the additional pass over the sum would take a noticeable part
/// of the time.
inline constexpr std::size_t kLongBatch = 4096;
/// Rows of a chunk. The relative error of the sum is at most 256 / 2 · 2^-24 = 8e-6.
inline constexpr std::size_t kChunkRows = 256;

// ---- The norm of all gradients (step.hpp).

/// Gradients whose squares one member adds: 16 KiB of floats per chunk. A smaller chunk would make the list of chunks
/// long. With a larger chunk, a small network would have too few chunks for its threads.
inline constexpr std::size_t kNormChunk = 4096;

}  // namespace backpass::pass::sum_order

/// The constants that decide the order of sums, and so the bits of results. They are not tuning constants: with other
/// values every result changes within its rounding error, and so does the table of golden hashes. docs/mathematics.md
/// states the rule. The order inside one product is that of kernels/kernel_table.hpp: one chain, with k in order.
#pragma once

#include <cstddef>

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

// ---- Chunks: a long chain of float additions within a segment (wide_sum.hpp).

/// Batches of more rows have chunks. In shorter batches, the additional pass over the sum would take a noticeable part
/// of the time.
inline constexpr std::size_t kLongBatch = 4096;
/// Rows of a chunk. The relative error of the sum is at most 256 / 2 · 2^-24 = 8e-6.
inline constexpr std::size_t kChunkRows = 256;

// ---- The norm of all gradients (step.hpp).

/// Gradients whose squares one member adds. So many that the bookkeeping costs little (16 KiB of floats per entry), so
/// few that threads can divide the chunks.
inline constexpr std::size_t kNormChunk = 4096;

}  // namespace backpass::pass::sum_order

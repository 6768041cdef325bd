/// Dropout masks from Philox4x32-10, several blocks per vector.
///
/// J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. A round
/// computes two 64-bit products of 32-bit words. A 64-bit lane holds one word of one block in its lower half. The upper
/// half contains arbitrary bits, which are masked off at the end.
#pragma once

#include "kernels/map_inl.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {

using Vec64 = VecBits<double>;
inline constexpr int kBlocks = kLanes<double>;  ///< Philox blocks per vector
inline constexpr int kWords = 4 * kBlocks;      ///< 32-bit words in these blocks

/// Computes the words of kWords columns, from column 4 · first_block on.
BP_INLINE void philox_words(const DropoutKey& key, uint32_t first_block, uint32_t (&words)[kWords]) {
  Vec64 x0 = reinterpret_cast<Vec64>(lane_indices<double>()) + first_block;
  Vec64 x1 = Vec64{} + key.row;
  Vec64 x2 = Vec64{} + (key.stream & 0xffffffffU);
  Vec64 x3 = Vec64{} + (key.stream >> 32);
  uint32_t key0 = static_cast<uint32_t>(key.seed);
  uint32_t key1 = static_cast<uint32_t>(key.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const Vec64 product0 = multiply_lower_halves(x0, Vec64{} + 0xD2511F53U);
    const Vec64 product1 = multiply_lower_halves(x2, Vec64{} + 0xCD9E8D57U);
    x0 = product1 >> 32 ^ x1 ^ (Vec64{} + key0);
    x1 = product1;
    x2 = product0 >> 32 ^ x3 ^ (Vec64{} + key1);
    x3 = product0;
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  // Reorder from lanes to memory order: one block after the other, four words per block.
  const Vec64 low = (x0 & 0xffffffffU) | x1 << 32;
  const Vec64 high = (x2 & 0xffffffffU) | x3 << 32;
  uint64_t pairs[2][kBlocks];
  __builtin_memcpy(pairs[0], &low, sizeof low);
  __builtin_memcpy(pairs[1], &high, sizeof high);
  for (int b = 0; b < kBlocks; ++b) {
    for (int h = 0; h < 2; ++h) {
      words[4 * b + 2 * h] = static_cast<uint32_t>(pairs[h][b]);
      words[4 * b + 2 * h + 1] = static_cast<uint32_t>(pairs[h][b] >> 32);
    }
  }
}

template <class T>
void dropout(Index n, const DropoutKey& key, uint32_t threshold, T scale, const T* in, T* out) {
  uint32_t words[kWords];
  for (Index i = 0; i < n; i += kWords) {
    philox_words(key, static_cast<uint32_t>(i / 4), words);
    const Index end = n - i < kWords ? n - i : kWords;
    for (Index j = 0; j < end; j += kLanes<T>) {
      const Index left = end - j;
      const VecInt<T> keep = reinterpret_cast<VecInt<T>>(load_words<T>(words + j) >= (VecBits<T>{} + threshold));
      const Vec<T> v = load_next(in + i + j, left) * scale;
      store_next<T>(out + i + j, keep ? v : Vec<T>{}, left);
    }
  }
}

template <class T>
constexpr void add_dropout_kernels(KernelTable<T>& t) {
  t.dropout = dropout<T>;
}

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

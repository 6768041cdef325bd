/// Memory for numbers, aligned to a cache line (and to the widest vector). It is zeroed by default.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <new>
#include <span>
#include <utility>

#include "base/memory.hpp"

namespace backpass {

/// Tag for memory that is written before it is read, and need not be zeroed. The system provides pages at the first
/// write. So allocating a large buffer takes no time, and the loops that fill it poll.
struct Unwritten {};

/// Owns size() elements of a trivial T. It cannot be copied: a copy of a large buffer must poll
/// (runtime/interrupt.hpp).
template <class T>
class AlignedBuffer {
 public:
  AlignedBuffer() noexcept = default;
  explicit AlignedBuffer(std::size_t size) : data_(allocate(size)), size_(size) { std::fill_n(data_, size, T{}); }
  AlignedBuffer(std::size_t size, Unwritten /*tag*/) : data_(allocate(size)), size_(size) {}
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    AlignedBuffer old(std::move(other));
    std::swap(data_, old.data_);
    std::swap(size_, old.size_);
    return *this;
  }
  ~AlignedBuffer() { deallocate(data_, size_ * sizeof(T)); }

  [[nodiscard]] T* data() noexcept { return data_; }
  [[nodiscard]] const T* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<T> span() noexcept { return {data_, size_}; }
  [[nodiscard]] std::span<const T> span() const noexcept { return {data_, size_}; }

 private:
  static T* allocate(std::size_t size) {
    if (size == 0) {
      return nullptr;
    }
    if (size > std::numeric_limits<std::size_t>::max() / 2 / sizeof(T)) {
      throw std::bad_alloc();
    }
    return static_cast<T*>(backpass::allocate(size * sizeof(T)));
  }

  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace backpass

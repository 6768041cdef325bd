#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#include <gtest/gtest.h>

#include "base/aligned_buffer.hpp"
#include "io/allocations.hpp"

namespace {

std::atomic<std::size_t> held{0};
std::atomic<std::size_t> most{0};
std::atomic<std::int64_t> left_until_failure{-1};  ///< negative: no allocation will fail
std::atomic<bool> allocation_failed{false};        ///< an allocation has failed
std::atomic<bool> fails_on{false};                 ///< every later one fails too

bool must_fail() {
  if (allocation_failed.load()) {
    return fails_on.load();
  }
  if (left_until_failure.load() < 0 || left_until_failure.fetch_sub(1) != 0) {
    return false;
  }
  allocation_failed.store(true);
  return true;
}

/// Stored before every block: the block's size, and the address that malloc returned.
struct BlockHead {
  std::size_t size;
  void* block;
};

void* allocate(std::size_t size, std::size_t alignment) {
  alignment = std::max(alignment, alignof(std::max_align_t));
  const std::size_t extra = sizeof(BlockHead) + alignment;
  void* block = size <= SIZE_MAX - extra && !must_fail() ? std::malloc(size + extra) : nullptr;
  if (block == nullptr) {
    throw std::bad_alloc();
  }
  const auto begin = (reinterpret_cast<std::uintptr_t>(block) + extra) / alignment * alignment;
  auto* head = reinterpret_cast<BlockHead*>(begin) - 1;
  *head = {size, block};
  const std::size_t now = held.fetch_add(size) + size;
  std::size_t seen = most.load();
  while (now > seen && !most.compare_exchange_weak(seen, now)) {
  }
  return reinterpret_cast<void*>(begin);
}

void release(void* pointer) noexcept {
  if (pointer != nullptr) {
    const BlockHead head = *(static_cast<BlockHead*>(pointer) - 1);
    held.fetch_sub(head.size);
    std::free(head.block);
  }
}

}  // namespace

// The array forms call these. The nothrow form does too in the standard library, but not in the address sanitizer.
void* operator new(std::size_t size) { return allocate(size, 1); }
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  try {
    return allocate(size, 1);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* pointer) noexcept { release(pointer); }
void operator delete(void* pointer, const std::nothrow_t& /*tag*/) noexcept { release(pointer); }
void operator delete(void* pointer, std::size_t /*size*/) noexcept { release(pointer); }
void operator delete(void* pointer, std::align_val_t /*alignment*/) noexcept { release(pointer); }
void operator delete(void* pointer, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept { release(pointer); }

namespace backpass::test {

AllocationPeak::AllocationPeak() noexcept : held_before_(held.load()) { most.store(held_before_); }
std::size_t AllocationPeak::bytes() const noexcept { return most.load() - held_before_; }

std::size_t allocated_bytes() noexcept { return held.load(); }

FailingAllocation::FailingAllocation(std::int64_t count, bool stays_short) noexcept {
  allocation_failed.store(false);
  fails_on.store(stays_short);
  left_until_failure.store(count);
}
FailingAllocation::~FailingAllocation() {
  left_until_failure.store(-1);
  allocation_failed.store(false);
}
bool FailingAllocation::has_failed() const noexcept { return allocation_failed.load(); }

namespace {

TEST(AllocationPeak, CountsTheLargestSumOfAllocations) {
  const AllocationPeak peak;
  EXPECT_EQ(peak.bytes(), 0U);
  {
    const std::vector<char> first(1000);
  }
  EXPECT_EQ(peak.bytes(), 1000U);
  {
    const AlignedBuffer<double> second(500);
  }
  EXPECT_EQ(peak.bytes(), 4000U);
  {
    const std::vector<char> third(3999);
  }
  EXPECT_EQ(peak.bytes(), 4000U);
}

}  // namespace
}  // namespace backpass::test

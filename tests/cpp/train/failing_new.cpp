#include "train/failing_new.hpp"

#if defined(BACKPASS_NEW_FAILS)
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {
std::atomic<long> countdown{-1};  // calls until one fails; negative: no call fails
std::atomic<long> blocks{0};

void* allocate_or_fail(std::size_t n, std::size_t alignment) {
  long left = countdown.load(std::memory_order_relaxed);
  while (left >= 0 && !countdown.compare_exchange_weak(left, left - 1, std::memory_order_relaxed)) {
  }
  void* p = nullptr;
  if (left == 0 || posix_memalign(&p, alignment, n == 0 ? 1 : n) != 0) {
    throw std::bad_alloc();
  }
  blocks.fetch_add(1, std::memory_order_relaxed);
  return p;
}
// Not inlined: otherwise GCC sees free() instead of operator delete, and warns.
[[gnu::noinline]] void release_block(void* p) noexcept {
  blocks.fetch_sub(p == nullptr ? 0 : 1, std::memory_order_relaxed);
  std::free(p);
}
}  // namespace

void* operator new(std::size_t n) { return allocate_or_fail(n, alignof(std::max_align_t)); }
void* operator new(std::size_t n, std::align_val_t a) { return allocate_or_fail(n, static_cast<std::size_t>(a)); }
void operator delete(void* p) noexcept { release_block(p); }
void operator delete(void* p, std::size_t) noexcept { release_block(p); }
void operator delete(void* p, std::align_val_t) noexcept { release_block(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { release_block(p); }

namespace backpass::test {

FailingNew::FailingNew(long count) noexcept { countdown = count; }
FailingNew::~FailingNew() { countdown = -1; }
long blocks_in_use() noexcept { return blocks; }

}  // namespace backpass::test
#endif

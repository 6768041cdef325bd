#include "base/memory.hpp"

#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace backpass {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::align_val_t alignment_for(std::size_t bytes) noexcept {
  return std::align_val_t{bytes >= kHugePage ? kHugePage : kAlignment};
}

}  // namespace

void* allocate(std::size_t bytes) {
  void* const memory = ::operator new(bytes, alignment_for(bytes));
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (bytes >= kHugePage) {
    (void)madvise(memory, bytes, MADV_HUGEPAGE);  // a hint; if it fails, the pages are small
  }
#endif
  return memory;
}

void deallocate(void* memory, std::size_t bytes) noexcept { ::operator delete(memory, alignment_for(bytes)); }

}  // namespace backpass

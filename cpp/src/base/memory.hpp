/// Allocation of buffers.
#pragma once

#include <cstddef>

#include "base/hardware.hpp"

namespace backpass {

/// The size of a cache line, and of the widest vector.
inline constexpr std::size_t kAlignment = hardware::kCacheLine;

/// Allocates memory aligned to kAlignment. Large blocks use huge pages if the system has them: a product that goes down
/// the rows of a large matrix touches one page per row, which is more pages than the TLB holds.
[[nodiscard]] void* allocate(std::size_t bytes);
void deallocate(void* memory, std::size_t bytes) noexcept;

}  // namespace backpass

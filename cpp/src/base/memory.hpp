/// Where buffers come from.
#pragma once

#include <cstddef>

namespace backpass {

/// Of a cache line, and of the widest vector.
inline constexpr std::size_t kAlignment = 64;

/// Memory aligned to kAlignment; large pieces stand on huge pages where the system has them: a product that goes down
/// the rows of a large matrix touches a page a row, more than the processor keeps the addresses of.
/// \throws std::bad_alloc
[[nodiscard]] void* allocate(std::size_t bytes);
void deallocate(void* memory, std::size_t bytes) noexcept;

}  // namespace backpass

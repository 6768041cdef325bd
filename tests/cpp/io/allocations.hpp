/// Measures the memory that the test program holds from operator new, now and at its peak, and makes allocations fail.
/// test_allocations.cpp replaces the operators.
#pragma once

#include <cstddef>
#include <cstdint>

namespace backpass::test {

/// The largest number of bytes held at one time since construction, minus the bytes held at construction.
class AllocationPeak {
 public:
  AllocationPeak() noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  std::size_t held_before_;
};

/// Bytes held now.
[[nodiscard]] std::size_t allocated_bytes() noexcept;

/// While this object lives, the allocation after the first `count` ones fails. With `stays_short`, every later one
/// fails too.
class FailingAllocation {
 public:
  FailingAllocation(std::int64_t count, bool stays_short) noexcept;
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;
  ~FailingAllocation();
  /// Whether an allocation has failed.
  [[nodiscard]] bool has_failed() const noexcept;
};

}  // namespace backpass::test

/// How much memory the test program holds from operator new, the most it held, and memory that runs out:
/// test_allocations.cpp replaces the operators.
#pragma once

#include <cstddef>
#include <cstdint>

namespace backpass::test {

/// The most bytes held at one time since this was made, beyond those held then.
class AllocationPeak {
 public:
  AllocationPeak() noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  std::size_t held_before_;
};

/// In bytes, now.
[[nodiscard]] std::size_t allocated_bytes() noexcept;

/// While this lives, the allocation after `count` others fails; and every later one, if memory stays short.
class FailingAllocation {
 public:
  FailingAllocation(std::int64_t count, bool stays_short) noexcept;
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;
  ~FailingAllocation();
  /// Has an allocation failed?
  [[nodiscard]] bool has_failed() const noexcept;
};

}  // namespace backpass::test

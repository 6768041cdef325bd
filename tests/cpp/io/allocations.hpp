/// How much memory the test program holds from operator new, and the most it held: test_allocations.cpp replaces them.
#pragma once

#include <cstddef>

namespace backpass::test {

/// The most bytes held at one time since this was made, beyond those held then.
class AllocationPeak {
 public:
  AllocationPeak() noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  std::size_t held_before_;
};

}  // namespace backpass::test

/// Makes a chosen call of operator new fail, and counts the blocks that are in use. failing_new.cpp replaces the
/// operators.
#pragma once

#include <cstddef>  // defines __GLIBC__

#include "sanitized.hpp"

// With glibc, test_allocations.cpp replaces malloc, so operator new can be replaced too.
#if defined(__GLIBC__) && !defined(BACKPASS_SANITIZED)
#define BACKPASS_NEW_FAILS 1

namespace backpass::test {

/// While this object lives, the call of operator new after the first `count` ones throws std::bad_alloc.
class FailingNew {
 public:
  explicit FailingNew(long count) noexcept;
  FailingNew(const FailingNew&) = delete;
  FailingNew& operator=(const FailingNew&) = delete;
  ~FailingNew();
};

/// Number of blocks from operator new that are in use.
[[nodiscard]] long blocks_in_use() noexcept;

}  // namespace backpass::test
#endif

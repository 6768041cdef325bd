/// Polls for interrupts during long work on files.
#pragma once

#include <cstddef>

#include "runtime/interrupt.hpp"

namespace backpass::io {

/// Collects small pieces of work until they justify a poll. Every loop whose length depends on a file reports its work
/// to an object of this class.
class Poll {
 public:
  /// \param bytes  number of bytes processed since the last call; an estimate for work that is not on bytes
  void done(std::size_t bytes) {
    if (bytes < left_) {
      left_ -= bytes;
      return;
    }
    left_ = kInterval;
    runtime::poll(kOperations);
  }

 private:
  static constexpr std::size_t kInterval = std::size_t{1} << 18U;    // bytes per poll: the JSON parser takes 3 ms
  static constexpr std::size_t kOperations = std::size_t{1} << 20U;  // the equivalent work in multiply-adds
  std::size_t left_ = kInterval;
};

}  // namespace backpass::io

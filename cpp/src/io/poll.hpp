/// Long work, interruptible.
#pragma once

#include <cstddef>

#include "runtime/interrupt.hpp"

namespace backpass::io {

/// Collects small pieces of work until they are worth a poll. Every loop whose length a file decides reports to one.
class Poll {
 public:
  /// \param bytes  worked through since the last call; roughly, for work of another kind
  void done(std::size_t bytes) {
    if (bytes < left_) {
      left_ -= bytes;
      return;
    }
    left_ = kInterval;
    runtime::poll(kOperations);
  }

 private:
  static constexpr std::size_t kInterval = std::size_t{1} << 18U;    // the JSON parser takes 3 ms for it
  static constexpr std::size_t kOperations = std::size_t{1} << 20U;  // in that time
  std::size_t left_ = kInterval;
};

}  // namespace backpass::io

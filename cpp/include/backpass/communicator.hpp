/// \file communicator.hpp
/// Processes that train one network together. A Communicator connects them; mpi.hpp has one for MPI.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include <backpass/compiler.hpp>

namespace backpass {

/// One of R processes that make the same calls. R is a power of two. Everything that a training exchanges is made of
/// exchanges between two ranks.
class BACKPASS_EXPORT Communicator {
 public:
  Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  virtual ~Communicator();

  /// The number of this process: 0, …, size() − 1.
  [[nodiscard]] virtual int rank() const = 0;
  /// R.
  [[nodiscard]] virtual int size() const = 0;
  /// Sends bytes to another rank and receives bytes from it, while that rank makes the matching call. Each of the two
  /// lengths may be 0, and is at most 1 GiB.
  /// \throws any exception if the connection has failed; the training then ends with it
  virtual void exchange(int partner, std::span<const std::byte> send, std::span<std::byte> receive) = 0;
};

/// Tells the other processes, which call fit, that this process fails before its call of fit: their calls then throw
/// std::runtime_error with this text. An error within fit reports itself.
BACKPASS_EXPORT void report_failure(Communicator& communicator, std::string_view text) noexcept;

}  // namespace backpass

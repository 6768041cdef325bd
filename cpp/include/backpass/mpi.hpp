/// \file mpi.hpp
/// A Communicator for MPI. Programs link the target backpass::mpi, which needs an MPI library; backpass.hpp does not
/// include this header.
#pragma once

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>

#include <mpi.h>

#include <backpass/communicator.hpp>

namespace backpass {

/// The processes of an MPI communicator, for FitOptions::communicator. MPI must be initialised, and only the thread
/// that calls fit may use the communicator during the call (MPI_THREAD_FUNNELED is enough, if it is the main thread).
class MpiCommunicator final : public Communicator {
 public:
  explicit MpiCommunicator(MPI_Comm communicator = MPI_COMM_WORLD) : communicator_(communicator) {
    check(MPI_Comm_rank(communicator, &rank_));
    check(MPI_Comm_size(communicator, &size_));
  }

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }
  void exchange(int partner, std::span<const std::byte> send, std::span<std::byte> receive) override {
    constexpr int kTag = 0x6270;
    check(MPI_Sendrecv(send.data(), static_cast<int>(send.size()), MPI_BYTE, partner, kTag, receive.data(),
                       static_cast<int>(receive.size()), MPI_BYTE, partner, kTag, communicator_, MPI_STATUS_IGNORE));
  }

 private:
  /// By default MPI ends the program at an error; with MPI_ERRORS_RETURN the error becomes an exception.
  static void check(int code) {
    if (code != MPI_SUCCESS) {
      char text[MPI_MAX_ERROR_STRING];
      int length = 0;
      MPI_Error_string(code, text, &length);
      throw std::runtime_error("MPI: " + std::string(text, static_cast<std::size_t>(length)));
    }
  }

  MPI_Comm communicator_;
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace backpass

/// \file error.hpp
/// The exceptions of the library. All derive from std::exception. The library does not print and does not abort.
///
/// Unless stated otherwise, a call that throws does not change the network, the optimizer and files.
///
/// what() of each class is defined in the library, not in this header. So a program and a plug-in share one type
/// information.
#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <backpass/compiler.hpp>

namespace backpass {

/// Two shapes do not match, and the message states both. Also: a matrix has no data, or an output overlaps with itself
/// or with an input. (Python: ValueError)
class BACKPASS_EXPORT ShapeError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
  [[nodiscard]] const char* what() const noexcept override;
};

/// A call needs another call first, e.g. backward() needs forward(). Also: the network or the workspace was moved from,
/// or the optimizer belongs to another network. (Python: RuntimeError)
class BACKPASS_EXPORT StateError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  [[nodiscard]] const char* what() const noexcept override;
};

/// A file operation failed: file not found, no permission, disk full, …. (Python: OSError, with errno)
class BACKPASS_EXPORT FileError : public std::runtime_error {
 public:
  FileError(const std::string& what, int code, std::string path)
      : std::runtime_error(what), code_(code), path_(std::move(path)) {}
  [[nodiscard]] const char* what() const noexcept override;
  /// The errno of the failed call.
  [[nodiscard]] int code() const noexcept { return code_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  int code_;
  std::string path_;
};

/// The bytes of a file are not a valid backpass network. (Python: backpass.FormatError, a ValueError)
class BACKPASS_EXPORT FormatError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  [[nodiscard]] const char* what() const noexcept override;
};

/// During fit, the loss of a step or a parameter became infinite or NaN. The network is restored to the end of the last
/// finished epoch. (Python: backpass.DivergenceError, an ArithmeticError)
class BACKPASS_EXPORT DivergenceError : public std::runtime_error {
 public:
  DivergenceError(const std::string& what, std::size_t epoch, std::size_t batch, std::optional<std::size_t> member = {})
      : std::runtime_error(what), epoch_(epoch), batch_(batch), member_(member) {}
  [[nodiscard]] const char* what() const noexcept override;
  /// The epoch in which it happened, counted from 0. The message counts from 1.
  [[nodiscard]] std::size_t epoch() const noexcept { return epoch_; }
  /// The batch of the epoch in which it happened, counted from 0. The message counts from 1.
  [[nodiscard]] std::size_t batch() const noexcept { return batch_; }
  /// The member of the ensemble whose network this is, counted from 0. Empty outside Ensemble::fit.
  [[nodiscard]] std::optional<std::size_t> member() const noexcept { return member_; }

 private:
  std::size_t epoch_;
  std::size_t batch_;
  std::optional<std::size_t> member_;
};

}  // namespace backpass

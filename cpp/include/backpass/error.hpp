/// \file error.hpp
/// Everything the library throws. All of it derives from std::exception; nothing is printed, nothing aborts.
///
/// A call that throws leaves the network, the optimizer and the files as they were.
///
/// Each class defines what() in the library, not in this header: a program and a plug-in then share one type
/// information.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

#include <backpass/compiler.hpp>

namespace backpass {

/// Two shapes that had to agree did not. The message states both. (Python: ValueError)
class BACKPASS_EXPORT ShapeError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
  [[nodiscard]] const char* what() const noexcept override;
};

/// A call came before the one it needs: backward() without forward(). Or the network or workspace was moved from.
/// (Python: RuntimeError)
class BACKPASS_EXPORT StateError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  [[nodiscard]] const char* what() const noexcept override;
};

/// The operating system refused a file: not found, no permission, disk full. (Python: OSError, with errno)
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

/// The bytes of a file are no sound backpass network. (Python: backpass.FormatError, a ValueError)
class BACKPASS_EXPORT FormatError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  [[nodiscard]] const char* what() const noexcept override;
};

/// The loss of a step, or a parameter, stopped being finite during fit. The network is as it was at the end of the last
/// finite epoch. (Python: backpass.DivergenceError, an ArithmeticError)
class BACKPASS_EXPORT DivergenceError : public std::runtime_error {
 public:
  DivergenceError(const std::string& what, std::size_t epoch, std::size_t batch)
      : std::runtime_error(what), epoch_(epoch), batch_(batch) {}
  [[nodiscard]] const char* what() const noexcept override;
  /// Zero-based epoch and batch in which it happened; the message counts from one.
  [[nodiscard]] std::size_t epoch() const noexcept { return epoch_; }
  [[nodiscard]] std::size_t batch() const noexcept { return batch_; }

 private:
  std::size_t epoch_;
  std::size_t batch_;
};

}  // namespace backpass

/// Sources and sinks for the bytes of a network's file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <backpass/error.hpp>

#include "io/poll.hpp"

namespace backpass::io {

/// A file or bytes in memory, with random access.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;
  [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;
  /// Fills the buffer with the bytes from `offset` on.
  /// \throws FileError; FormatError if the source has fewer bytes
  void read(std::uint64_t offset, std::span<std::byte> buffer) {
    constexpr std::size_t kPiece = std::size_t{1} << 20U;  // between polls: 1 ms at 1 GB/s
    while (!buffer.empty()) {
      const std::span<std::byte> piece = buffer.first(buffer.size() < kPiece ? buffer.size() : kPiece);
      if (!read_piece(offset, piece)) {
        throw FormatError("the file ended while it was read");
      }
      poll_.done(piece.size());
      offset += piece.size();
      buffer = buffer.subspan(piece.size());
    }
  }

 private:
  /// \returns false if the source has fewer bytes
  virtual bool read_piece(std::uint64_t offset, std::span<std::byte> buffer) = 0;
  Poll poll_;
};

class MemorySource final : public Source {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}
  [[nodiscard]] std::uint64_t size() const noexcept override { return bytes_.size(); }

 private:
  bool read_piece(std::uint64_t offset, std::span<std::byte> buffer) override {
    if (offset > bytes_.size() || buffer.size() > bytes_.size() - offset) {
      return false;
    }
    std::memcpy(buffer.data(), bytes_.data() + offset, buffer.size());
    return true;
  }
  std::span<const std::byte> bytes_;
};

/// Receives the bytes of a file in order.
class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;
  /// Announces the size of the file. Called before the first write(), if the size is known.
  virtual void expect(std::size_t /*size*/) {}
  virtual void write(std::span<const std::byte> bytes) = 0;
};

/// A sink that writes in pieces, with a poll after each piece.
class PolledSink : public Sink {
 public:
  void write(std::span<const std::byte> bytes) final {
    constexpr std::size_t kPiece = std::size_t{1} << 20U;  // between polls: 1 ms at 1 GB/s
    while (!bytes.empty()) {
      const std::size_t written = write_piece(bytes.first(bytes.size() < kPiece ? bytes.size() : kPiece));
      bytes = bytes.subspan(written);
      poll_.done(written);
    }
  }

 protected:
  Poll poll_;

 private:
  /// \returns the number of bytes that were written, at least 1 \throws FileError
  virtual std::size_t write_piece(std::span<const std::byte> bytes) = 0;
};

class MemorySink final : public Sink {
 public:
  void expect(std::size_t size) override { bytes_.reserve(size); }
  void write(std::span<const std::byte> bytes) override { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  [[nodiscard]] std::vector<std::byte> take() && { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace backpass::io

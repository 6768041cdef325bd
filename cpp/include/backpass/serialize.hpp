/// \file serialize.hpp
/// Networks in safetensors files: written by C++ or Python, read by both, and their tensors by anything else that reads
/// safetensors.
///
/// Tensors are named as torch.nn.Sequential would name them ("0.weight" (M_i, M_{i-1}), "0.bias"); the architecture
/// stands as JSON in `__metadata__`.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <backpass/compiler.hpp>
#include <backpass/network.hpp>
#include <backpass/optimizer.hpp>
#include <backpass/schedule.hpp>
#include <backpass/trainer.hpp>

namespace backpass {

struct SaveOptions {
  /// When set, the file also holds all that training needs to go on exactly.
  std::optional<OptimizerRef> optimizer = {};
  const Schedule* schedule = nullptr;
  std::size_t epochs = 0;  ///< trained so far
  std::int64_t steps = 0;  ///< taken so far
  /// Of early stopping and of checkpoints that keep the best alone; see FitOptions::memory.
  const TrainingMemory* memory = nullptr;
  /// The caller's own strings, given back by load_checkpoint.
  std::map<std::string, std::string> metadata = {};
};

/// The optimizer belongs to the network.
template <class T>
struct Checkpoint {
  static_assert(is_real<T>, "T must be float or double");
  Network<T> network;
  std::optional<Optimizer> optimizer;
  std::optional<Schedule> schedule;
  std::size_t epochs = 0;
  std::int64_t steps = 0;
  std::map<std::string, std::string> metadata;
  TrainingMemory memory = {};  ///< empty when the file has none
};
using AnyCheckpoint = std::variant<Checkpoint<float>, Checkpoint<double>>;

/// The bytes of a file. \throws std::invalid_argument when the network has a Custom activation
template <class T>
[[nodiscard]] BACKPASS_EXPORT std::vector<std::byte> to_bytes(const Network<T>& network,
                                                              const SaveOptions& options = {});
/// Writes a temporary file beside `path`, flushes it to the disk and renames it: `path` is the old file or the new one,
/// never a part.
/// \throws FileError
template <class T>
BACKPASS_EXPORT void save(const std::filesystem::path& path, const Network<T>& network,
                          const SaveOptions& options = {});

/// Replaces a file of any kind as save does: `path` is the old file or the new one, never a part. The new file keeps
/// the old one's permissions, owner, group, access control list and extended attributes, as far as the process may set
/// them. A symbolic link stays, and the file behind it is replaced; another hard link keeps the old content.
/// \throws FileError
BACKPASS_EXPORT void replace_file(const std::filesystem::path& path, std::span<const std::byte> bytes);

/// \throws FormatError when the bytes are not a sound network. Memory stays below four times their number and 1 MB.
[[nodiscard]] BACKPASS_EXPORT AnyCheckpoint from_bytes(std::span<const std::byte> bytes);
/// \throws FileError, FormatError
[[nodiscard]] BACKPASS_EXPORT AnyCheckpoint load_any_checkpoint(const std::filesystem::path& path);
/// The same for a known type. \throws FormatError also when the file holds the other type
template <class T>
[[nodiscard]] BACKPASS_EXPORT Checkpoint<T> load_checkpoint(const std::filesystem::path& path);

extern template std::vector<std::byte> to_bytes(const Network<float>&, const SaveOptions&);
extern template std::vector<std::byte> to_bytes(const Network<double>&, const SaveOptions&);
extern template void save(const std::filesystem::path&, const Network<float>&, const SaveOptions&);
extern template void save(const std::filesystem::path&, const Network<double>&, const SaveOptions&);
extern template Checkpoint<float> load_checkpoint(const std::filesystem::path&);
extern template Checkpoint<double> load_checkpoint(const std::filesystem::path&);

}  // namespace backpass

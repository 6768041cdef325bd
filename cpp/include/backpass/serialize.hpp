/// \file serialize.hpp
/// Networks in safetensors files. C++ and Python read and write the same files. Other programs that read safetensors
/// can read the tensors.
///
/// Tensors have the names that torch.nn.Sequential gives them: "0.weight" (M_i, M_{i-1}), "0.bias" (M_i). The
/// architecture is JSON in `__metadata__`.
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
  /// If set, the file also contains the optimizer with its state, so that a resumed training gives the same bits.
  std::optional<OptimizerRef> optimizer = {};
  const Schedule* schedule = nullptr;  ///< saved with its memory, unless null
  std::size_t epochs = 0;              ///< number of epochs so far
  std::int64_t steps = 0;              ///< number of steps so far, ≥ 0
  /// The memory of early stopping and of checkpoints that keep only the best epoch; see FitOptions::memory.
  const TrainingMemory* memory = nullptr;
  /// Strings of the user, which load_checkpoint() returns.
  std::map<std::string, std::string> metadata = {};
};

/// The content of a file. The optimizer belongs to the network.
template <class T>
struct Checkpoint {
  static_assert(is_real<T>, "T must be float or double");
  Network<T> network;
  std::optional<Optimizer> optimizer;
  std::optional<Schedule> schedule;
  std::size_t epochs = 0;
  std::int64_t steps = 0;
  std::map<std::string, std::string> metadata;
  TrainingMemory memory = {};  ///< empty if the file has no memory
};
using AnyCheckpoint = std::variant<Checkpoint<float>, Checkpoint<double>>;

/// The content of a file as bytes.
/// \throws std::invalid_argument if something cannot be saved, e.g. a custom activation
template <class T>
[[nodiscard]] BACKPASS_EXPORT std::vector<std::byte> to_bytes(const Network<T>& network,
                                                              const SaveOptions& options = {});
/// Saves a network. Writes a temporary file in the same directory, flushes it to the disk and renames it to `path`. So
/// `path` is always the complete old file or the complete new file.
/// \throws FileError; std::invalid_argument as to_bytes()
template <class T>
BACKPASS_EXPORT void save(const std::filesystem::path& path, const Network<T>& network,
                          const SaveOptions& options = {});

/// Replaces a file with any content in the way of save(): `path` is always the complete old file or the complete new
/// file. The new file keeps the permissions, owner, group, access control list and extended attributes of the old file,
/// as far as the process may set them. If `path` is a symbolic link, the link stays and the file that it leads to is
/// replaced. Other hard links keep the old content.
/// \throws FileError
BACKPASS_EXPORT void replace_file(const std::filesystem::path& path, std::span<const std::byte> bytes);

/// Loads a network of either type from the bytes of a file. Uses less memory than four times the size of the file plus
/// 1 MB.
/// \throws FormatError if the bytes are not a valid network
[[nodiscard]] BACKPASS_EXPORT AnyCheckpoint from_bytes(std::span<const std::byte> bytes);
/// Loads a network of either type. \throws FileError, FormatError
[[nodiscard]] BACKPASS_EXPORT AnyCheckpoint load_any_checkpoint(const std::filesystem::path& path);
/// Loads a network of T. \throws FileError; FormatError, also if the file contains a network of the other type
template <class T>
[[nodiscard]] BACKPASS_EXPORT Checkpoint<T> load_checkpoint(const std::filesystem::path& path);

extern template std::vector<std::byte> to_bytes(const Network<float>&, const SaveOptions&);
extern template std::vector<std::byte> to_bytes(const Network<double>&, const SaveOptions&);
extern template void save(const std::filesystem::path&, const Network<float>&, const SaveOptions&);
extern template void save(const std::filesystem::path&, const Network<double>&, const SaveOptions&);
extern template Checkpoint<float> load_checkpoint(const std::filesystem::path&);
extern template Checkpoint<double> load_checkpoint(const std::filesystem::path&);

}  // namespace backpass

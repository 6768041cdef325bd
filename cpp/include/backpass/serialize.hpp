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
  std::optional<OptimizerRef> optimizer = {};  ///< saved with its state, if set
  const Schedule* schedule = nullptr;          ///< saved with its memory, unless null
  std::size_t epochs = 0;                      ///< number of epochs so far
  std::int64_t steps = 0;                      ///< number of steps so far, ≥ 0
  /// The memory of a fit, see FitOptions::memory. Its numbers of epochs and steps replace the two above. With the
  /// optimizer and the schedule of that fit, FitOptions::resume_from continues the training.
  const TrainingMemory* memory = nullptr;
  /// Strings of the user, which load_checkpoint() returns.
  std::map<std::string, std::string> metadata = {};
};

/// The content of a file. The optimizer belongs to the network.
template <class T>
struct SavedTraining {
  static_assert(is_real<T>, "T must be float or double");
  Network<T> network;
  std::optional<Optimizer> optimizer;
  std::optional<Schedule> schedule;
  std::size_t epochs = 0;
  std::int64_t steps = 0;
  std::map<std::string, std::string> metadata;
  TrainingMemory memory = {};  ///< empty if the file has no memory
};
using AnySavedTraining = std::variant<SavedTraining<float>, SavedTraining<double>>;

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
[[nodiscard]] BACKPASS_EXPORT AnySavedTraining from_bytes(std::span<const std::byte> bytes);
/// Loads a network of either type. \throws FileError, FormatError
[[nodiscard]] BACKPASS_EXPORT AnySavedTraining load_any_checkpoint(const std::filesystem::path& path);
/// Loads a network of T. \throws FileError; FormatError, also if the file contains a network of the other type
template <class T>
[[nodiscard]] BACKPASS_EXPORT SavedTraining<T> load_checkpoint(const std::filesystem::path& path);

extern template std::vector<std::byte> to_bytes(const Network<float>&, const SaveOptions&);
extern template std::vector<std::byte> to_bytes(const Network<double>&, const SaveOptions&);
extern template void save(const std::filesystem::path&, const Network<float>&, const SaveOptions&);
extern template void save(const std::filesystem::path&, const Network<double>&, const SaveOptions&);
extern template SavedTraining<float> load_checkpoint(const std::filesystem::path&);
extern template SavedTraining<double> load_checkpoint(const std::filesystem::path&);

}  // namespace backpass

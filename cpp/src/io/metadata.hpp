/// The keys of a file's `__metadata__`, and the names of its tensors. Keys that are not listed here are other programs'
/// and are passed over.
#pragma once

#include <string>

namespace backpass::io::key {

inline constexpr char kFormat[] = "format";  ///< the value says whose file it is:
inline constexpr char kFormatName[] = "backpass";
inline constexpr char kFormatVersion[] = "format_version";
inline constexpr unsigned kNewestVersion = 1;  ///< written; and the newest that can be read
inline constexpr char kLibraryVersion[] = "backpass_version";
inline constexpr char kNetwork[] = "network";      ///< JSON
inline constexpr char kOptimizer[] = "optimizer";  ///< JSON
inline constexpr char kSchedule[] = "schedule";    ///< JSON
inline constexpr char kEpochs[] = "epochs";
inline constexpr char kSteps[] = "steps";
inline constexpr char kMemory[] = "memory";  ///< JSON; since 0.2: files without it are read as before
/// Before every key of the user's, so that none can ever be taken for one of ours.
inline constexpr char kUserPrefix[] = "user.";

}  // namespace backpass::io::key

namespace backpass::io {

[[nodiscard]] inline std::string weight_name(const std::string& module) { return module + ".weight"; }
inline constexpr char kBestParameters[] = "memory.parameters";  ///< tensor of early stopping's best epoch
[[nodiscard]] inline std::string bias_name(const std::string& module) { return module + ".bias"; }

}  // namespace backpass::io

/// The keys of a file's `__metadata__`, and the names of its tensors. Other keys belong to other programs and are
/// ignored.
#pragma once

#include <cstddef>
#include <string>

namespace backpass::io::key {

inline constexpr char kFormat[] = "format";  ///< its value is kFormatName
inline constexpr char kFormatName[] = "backpass";
inline constexpr char kFormatVersion[] = "format_version";
inline constexpr unsigned kNewestVersion = 1;  ///< the version that is written, and the newest that can be read
inline constexpr char kLibraryVersion[] = "backpass_version";
inline constexpr char kNetwork[] = "network";  ///< JSON
/// Of an ensemble, instead of kNetwork: the number of members K, and the key of member k, JSON like that of kNetwork.
inline constexpr char kMembers[] = "members";
[[nodiscard]] inline std::string member_network(std::size_t k) { return "member." + std::to_string(k) + ".network"; }
inline constexpr char kOptimizer[] = "optimizer";  ///< JSON
inline constexpr char kSchedule[] = "schedule";    ///< JSON
inline constexpr char kEpochs[] = "epochs";
inline constexpr char kSteps[] = "steps";
inline constexpr char kMemory[] = "memory";  ///< JSON; since 0.2, optional: older files do not have it
/// JSON of FitOptions::dropout_schedule and weight_decay_schedule; optional, only in a file with the key above.
inline constexpr char kDropoutSchedule[] = "dropout_schedule";
inline constexpr char kWeightDecaySchedule[] = "weight_decay_schedule";
/// Prefix of every key of the user, so that user keys cannot collide with the keys above.
inline constexpr char kUserPrefix[] = "user.";

}  // namespace backpass::io::key

namespace backpass::io {

[[nodiscard]] inline std::string weight_name(const std::string& module) { return module + ".weight"; }
/// Prefix of the names of the tensors of an ensemble's member k.
[[nodiscard]] inline std::string member_prefix(std::size_t k) { return "member." + std::to_string(k) + "."; }
inline constexpr char kBestParameters[] = "memory.parameters";  ///< tensor: parameters of early stopping's best epoch
inline constexpr char kHistory[] = "memory.history";  ///< tensor of float64: the history (number of series, epochs)
[[nodiscard]] inline std::string bias_name(const std::string& module) { return module + ".bias"; }

}  // namespace backpass::io

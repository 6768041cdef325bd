/// What a network is apart from its numbers, as JSON; and the names its tensors have.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <backpass/network.hpp>

namespace backpass::io {

/// The element type as Python calls it.
template <class T>
inline constexpr const char* kTypeName = sizeof(T) == sizeof(float) ? "float32" : "float64";

struct Architecture {
  std::string type;               ///< kTypeName of float or double
  std::vector<LayerSpec> layers;  ///< offsets included
  std::vector<Initializer> init;  ///< of each layer: what Network::initialize draws from
  std::uint64_t dropout_seed = 0;
  std::uint64_t dropout_pass = 0;

  [[nodiscard]] std::size_t num_parameters() const noexcept {
    return layers.back().offset + layers.back().num_parameters();
  }
};

/// \throws std::invalid_argument when a layer has a Custom activation
template <class T>
[[nodiscard]] Architecture describe(const Network<T>& network);

[[nodiscard]] std::string architecture_to_json(const Architecture& architecture);

/// The network described is possible: the layers fit each other, every setting is in its range, and the parameters'
/// bytes can be counted in a std::size_t. Nothing of that size has been allocated.
/// \param text         JSON
/// \param num_tensors  in the file: a layer has one at least
/// \throws FormatError if not
[[nodiscard]] Architecture architecture_from_json(std::string_view text, std::size_t num_tensors);

/// The names torch.nn.Sequential gives to the layers' Linear modules, when each is followed by its activation (if not
/// the identity) and its Dropout (if any): "0", "2", ….
[[nodiscard]] std::vector<std::string> module_names(const Architecture& architecture);

}  // namespace backpass::io

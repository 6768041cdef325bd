/// The description of a network without its parameters, as JSON, and the names of its tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <backpass/network.hpp>

namespace backpass::io {

struct Architecture {
  std::string type;               ///< type_name of float or double
  std::vector<LayerSpec> layers;  ///< including the offsets
  std::vector<Initializer> init;  ///< one per layer, for Network::initialize()
  std::uint64_t dropout_seed = 0;
  std::uint64_t dropout_pass = 0;

  [[nodiscard]] std::size_t num_parameters() const noexcept {
    return layers.back().offset + layers.back().num_parameters();
  }
};

/// \throws std::invalid_argument if a layer has a custom activation
template <class T>
[[nodiscard]] Architecture describe(const Network<T>& network);

[[nodiscard]] std::string architecture_to_json(const Architecture& architecture);

/// Reads and checks a description: the layers match each other, every setting is in its range, and the size of the
/// parameters in bytes fits std::size_t. Allocates no memory of that size.
/// \param text         JSON
/// \param num_tensors  number of tensors in the file, an upper limit for the layers: each layer has at least one tensor
/// \throws FormatError if the description is invalid
[[nodiscard]] Architecture architecture_from_json(std::string_view text, std::size_t num_tensors);

/// The names that torch.nn.Sequential gives to the Linear modules of the layers: "0", "2", …. Each Linear is followed
/// by its activation, unless that is the identity, and by its Dropout, if it has one.
[[nodiscard]] std::vector<std::string> module_names(const Architecture& architecture);

}  // namespace backpass::io

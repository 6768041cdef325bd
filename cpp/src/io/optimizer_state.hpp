/// An optimizer with its state in a file. The slots are tensors "optimizer.0", "optimizer.1", …, each with its elements
/// in the order of Network::parameters(). The rest is JSON.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <backpass/optimizer.hpp>

namespace backpass::io {

[[nodiscard]] inline std::string slot_name(std::size_t i) { return "optimizer." + std::to_string(i); }

/// An optimizer from the JSON of a file. Its slots have not been read yet.
struct StoredOptimizer {
  Optimizer optimizer;
  std::size_t num_slots = 0;
};

/// \throws std::invalid_argument, possibly ShapeError, if a network of T with this number of parameters and layers
///         could not continue training with the optimizer
template <class T>
[[nodiscard]] std::string stateful_optimizer_to_json(OptimizerRef optimizer, std::size_t num_parameters,
                                                     std::size_t num_layers);

/// \param text  JSON
/// \throws FormatError if a network of T with this number of layers could not continue training with the optimizer
template <class T>
[[nodiscard]] StoredOptimizer stateful_optimizer_from_json(std::string_view text, std::size_t num_layers);

}  // namespace backpass::io

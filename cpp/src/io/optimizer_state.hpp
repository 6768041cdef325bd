/// An optimizer with its state: the slots as tensors "optimizer.0", "optimizer.1", … in the order of
/// Network::parameters(), the rest as JSON.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <backpass/optimizer.hpp>

namespace backpass::io {

[[nodiscard]] inline std::string slot_name(std::size_t i) { return "optimizer." + std::to_string(i); }

/// An optimizer as a file's JSON describes it. Its slots are still to be filled.
struct StoredOptimizer {
  Optimizer optimizer;
  std::size_t num_slots = 0;
};

/// \throws std::invalid_argument (ShapeError among them) unless a network of T with so many parameters and layers could
/// go on with it
template <class T>
[[nodiscard]] std::string stateful_optimizer_to_json(OptimizerRef optimizer, std::size_t num_parameters,
                                                     std::size_t num_layers);

/// \param text  JSON
/// \throws FormatError unless a network of T with so many layers could go on with it
template <class T>
[[nodiscard]] StoredOptimizer stateful_optimizer_from_json(std::string_view text, std::size_t num_layers);

}  // namespace backpass::io

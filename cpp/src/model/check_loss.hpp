/// Checks of a call with a loss, before anything is computed: does the loss fit the output activation, and do the
/// targets fit the loss? A wrong pair trains without an error and learns nothing.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include <backpass/activation.hpp>
#include <backpass/loss.hpp>

namespace backpass::model {

/// True if the loss accepts class labels as targets.
[[nodiscard]] bool takes_labels(const Loss& loss) noexcept;

/// Checks that a network with this output activation can be trained with the loss. Accepts every custom loss and every
/// custom activation.
/// \param outputs  M_N
/// \throws std::invalid_argument; the message states the pair and what to use instead
void check_pair(const Loss& loss, const Activation& output, std::size_t outputs);

/// Checks targets and weights for outputs of shape (rows, outputs). A target that is NaN passes.
/// \param y              (rows, outputs), or labels (rows)
/// \param sample_weight  (rows), or empty
/// \param prefix         of the message: says which argument of the user y belongs to
/// \throws ShapeError if the shapes do not match
/// \throws std::invalid_argument if rows is 0; if a parameter of the loss, a label or a target is out of range; or if
/// the
///         loss does not accept labels or weights
template <class T>
void check_targets(const Loss& loss, std::size_t rows, std::size_t outputs, const Targets<T>& y,
                   std::span<const T> sample_weight, std::string_view prefix = "");

/// \throws std::invalid_argument unless w is finite and ≥ 0
template <class T>
void require_weight(T w, std::string_view prefix = "") {
  if (!(w >= T(0)) || !std::isfinite(w)) {
    throw std::invalid_argument(std::string(prefix) + "sample_weight: weights must be finite and not negative");
  }
}
/// The same for all weights.
template <class T>
void require_weights(std::span<const T> sample_weight, std::string_view prefix = "");

}  // namespace backpass::model

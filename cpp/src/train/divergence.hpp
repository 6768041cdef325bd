/// What a message about a diverged training says.
#pragma once

#include <span>
#include <string>

#include <backpass/matrix.hpp>

namespace backpass::train {

template <class T>
[[nodiscard]] bool all_finite(std::span<const T> values);

/// What the user should change: values in x or y that are not finite, parameters that were not finite before the epoch,
/// or else the learning rate.
/// \param x           (B, M_0)
/// \param y           (B, M_N), or labels (B)
/// \param parameters  before the epoch
/// \param place       says which rows x and y are; empty: those of the user
template <class T>
[[nodiscard]] std::string cause_text(ConstMatrixView<T> x, const Targets<T>& y, std::span<const T> parameters,
                                     const std::string& place);

}  // namespace backpass::train

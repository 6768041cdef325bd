/// Which losses interpret one-dimensional targets as class labels.
#pragma once

#include <backpass/loss.hpp>

#include "arrays.hpp"

namespace backpass::python {

[[nodiscard]] LabelRule label_rule(const Loss& loss) noexcept;

}  // namespace backpass::python

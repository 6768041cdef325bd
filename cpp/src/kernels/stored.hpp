/// The quantity from which each activation's derivative is computed: the cheapest one that gives full relative
/// accuracy. For sigmoid and tanh it is the cheapest one with an absolute error of about one ulp of 1
/// (docs/numbers.md).
#pragma once

#include <backpass/activation_kind.hpp>

namespace backpass::kernels {

enum class Stored : unsigned char { none, output, preactivation };

constexpr Stored stored_for(ActivationKind kind) {
#define BACKPASS_SOURCE(name, Class, source, ...) Stored::source,
  constexpr Stored kSources[] = {BACKPASS_ACTIVATIONS(BACKPASS_SOURCE, BACKPASS_SOURCE) Stored::preactivation};
#undef BACKPASS_SOURCE
  return kSources[static_cast<int>(kind)];
}

}  // namespace backpass::kernels

/// The vector functions of math_inl.hpp and trig_inl.hpp, applied to arrays, for every kernel set. The library calls
/// them only inside its kernels.
#pragma once

#include <stdexcept>
#include <string>

#include "base/of_type.hpp"
#include "kernels/dispatch.hpp"

namespace backpass::kernels {

/// y[i] = f(x[i]) for i < n.
template <class T>
struct VectorFunctions {
  using Function = void (*)(Index n, const T* x, T* y);
  Function exp, log, tanh, erf, sin;
};
struct VectorFunctionSet {
  const char* name;  ///< of the kernel set
  VectorFunctions<float> f32;
  VectorFunctions<double> f64;
};

// tests/cpp/CMakeLists.txt compiles vector_functions.cpp once per kernel set, and lists the sets in
// BACKPASS_TESTED_SETS.
#define BACKPASS_SET(isa)                      \
  namespace tested_##isa {                     \
    extern const VectorFunctionSet kFunctions; \
  }
BACKPASS_TESTED_SETS
#undef BACKPASS_SET

/// The functions of a kernel set.
template <class T>
const VectorFunctions<T>& vector_functions(const KernelSet& set) {
#define BACKPASS_SET(isa)                                                          \
  if (std::string(tested_##isa::kFunctions.name) == set.name) {                    \
    return of_type<T>(tested_##isa::kFunctions.f32, tested_##isa::kFunctions.f64); \
  }
  BACKPASS_TESTED_SETS
#undef BACKPASS_SET
  throw std::logic_error("no vector functions of " + std::string(set.name));
}

}  // namespace backpass::kernels

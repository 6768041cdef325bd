// The vector functions of one kernel set. CMakeLists.txt defines BACKPASS_KERNEL_NAME, BACKPASS_KERNEL_NAMESPACE and
// BACKPASS_KERNEL_VECTORS.
#include "vector_functions.hpp"

#include "kernels/map_inl.hpp"
#include "kernels/math_inl.hpp"
#include "kernels/normal_inl.hpp"
#include "kernels/trig_inl.hpp"

namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE {
namespace {

#define BACKPASS_ARRAY_FUNCTION(f)                                   \
  template <class T>                                                 \
  void f##_array(Index n, const T* x, T* y) {                        \
    map(n, x, y, [](Vec<T> v) BP_INLINE_LAMBDA { return f<T>(v); }); \
  }
BACKPASS_ARRAY_FUNCTION(exp)
BACKPASS_ARRAY_FUNCTION(log)
BACKPASS_ARRAY_FUNCTION(tanh)
BACKPASS_ARRAY_FUNCTION(erf)
BACKPASS_ARRAY_FUNCTION(sin)
#undef BACKPASS_ARRAY_FUNCTION

template <class T>
constexpr VectorFunctions<T> kOfType{exp_array<T>, log_array<T>, tanh_array<T>, erf_array<T>, sin_array<T>};

}  // namespace

constinit const VectorFunctionSet kFunctions{BACKPASS_KERNEL_NAME, kOfType<float>, kOfType<double>};

}  // namespace backpass::kernels::BACKPASS_KERNEL_NAMESPACE

/// Chooses between two objects by the element type of a network.
#pragma once

#include <type_traits>

namespace backpass {

/// f32 if T is float, f64 if T is double.
template <class T, class F32, class F64>
const auto& of_type(const F32& f32, const F64& f64) noexcept {
  if constexpr (std::is_same_v<T, float>) {
    return f32;
  } else {
    return f64;
  }
}

}  // namespace backpass

#include "train/divergence.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <backpass/compiler.hpp>

#include "base/text.hpp"
#include "runtime/interrupt.hpp"

namespace backpass::train {
namespace {

/// "name[3, 1] is nan": the first element that is not finite; empty if there is none.
template <class T>
std::string not_finite_text(const char* name, ConstMatrixView<T> matrix) {
  for (std::size_t r = 0; r < matrix.rows(); ++r) {
    for (std::size_t c = 0; c < matrix.cols(); ++c) {
      if (const T value = matrix(r, c); !std::isfinite(value)) {
        return element_text(name, r, c) + " is " + number_text(value) +
               (std::isinf(value) ? std::string(" as a ") + type_name<T> : "");
      }
    }
    runtime::poll(matrix.cols());
  }
  return "";
}

}  // namespace

template <class T>
bool all_finite(std::span<const T> values) {
  constexpr std::size_t kOperations = 4;
  bool finite = true;
  runtime::in_parts(values.size(), kOperations, [&](std::size_t begin, std::size_t end) {
    const std::span<const T> part = values.subspan(begin, end - begin);
    finite = finite && std::all_of(part.begin(), part.end(), [](T value) { return std::isfinite(value); });
  });
  return finite;
}

template <class T>
std::string cause_text(ConstMatrixView<T> x, const Targets<T>& y, std::span<const T> parameters,
                       const std::string& place) {
  std::string found = not_finite_text("x", x);
  if (found.empty() && !y.are_labels()) {
    found = not_finite_text("y", y.values());
  }
  if (found.empty() && !all_finite(parameters)) {
    return "A parameter was not finite before that epoch: call initialize() or load a network";
  }
  return found.empty() ? "Try a smaller lr, clip_norm=1 or standardised inputs"
                       : place + found + ": remove such rows, or replace such values";
}

#define BACKPASS_INSTANTIATE(T)                 \
  template bool all_finite(std::span<const T>); \
  template std::string cause_text(ConstMatrixView<T>, const Targets<T>&, std::span<const T>, const std::string&);
BACKPASS_INSTANTIATE(float)
BACKPASS_INSTANTIATE(double)
#undef BACKPASS_INSTANTIATE

}  // namespace backpass::train

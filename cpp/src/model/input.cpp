#include <backpass/input.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <type_traits>
#include <utility>

#include "model/require_matrix.hpp"
#include "runtime/interrupt.hpp"

namespace backpass {
namespace {

/// Elements in memory for which C++ has no suitable type: any byte as a boolean, and IEEE 754 binary16.
struct Boolean {
  std::uint8_t byte;
};
struct Half {
  std::uint16_t bits;
};

/// Converts a binary16 exactly. Its bits are: sign, 5 bits of exponent with the bias 15, 10 bits of fraction.
float to_float(Half half) noexcept {
  const std::uint32_t sign = std::uint32_t{half.bits & 0x8000U} << 16;
  const std::uint32_t exponent = half.bits >> 10 & 0x1fU;
  const std::uint32_t fraction = half.bits & 0x3ffU;
  if (exponent == 0) {  // zero, or fraction · 2^-24
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return sign == 0 ? magnitude : -magnitude;
  }
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + (127 - 15);
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

template <class T, class S>
T number(S value) noexcept {
  return static_cast<T>(value);
}
/// A denormal float is fraction · 2^-149, which is a normal double. In the library's floating-point mode, a conversion
/// instruction would read the denormal float as 0. So the double is computed from the integer fraction.
template <class T>
T number(float value) noexcept {
  if constexpr (std::is_same_v<T, double>) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if ((bits & 0x7f800000U) == 0) {
      const double magnitude = static_cast<double>(bits & 0x7fffffU) * 0x1p-149;
      return bits >> 31 == 0 ? magnitude : -magnitude;
    }
  }
  return static_cast<T>(value);
}
template <class T>
T number(Boolean value) noexcept {
  return value.byte != 0 ? T(1) : T(0);
}
template <class T>
T number(Half value) noexcept {
  return static_cast<T>(to_float(value));
}

template <class S, bool kSwapped>
S load(const std::byte* from) noexcept {
  S value;
  std::memcpy(&value, from, sizeof(S));
  if constexpr (kSwapped && sizeof(S) == 2) {
    value = std::bit_cast<S>(__builtin_bswap16(std::bit_cast<std::uint16_t>(value)));
  } else if constexpr (kSwapped && sizeof(S) == 4) {
    value = std::bit_cast<S>(__builtin_bswap32(std::bit_cast<std::uint32_t>(value)));
  } else if constexpr (kSwapped && sizeof(S) == 8) {
    value = std::bit_cast<S>(__builtin_bswap64(std::bit_cast<std::uint64_t>(value)));
  } else if constexpr (kSwapped) {
    std::array<std::byte, sizeof(S)> bytes;
    std::reverse_copy(from, from + sizeof(S), bytes.begin());
    std::memcpy(&value, bytes.data(), sizeof(S));
  }
  return value;
}

/// The types of most tables and images. Only these types get a separate contiguous loop: one for every type would
/// double the code size of this file.
template <class S>
constexpr bool kOften = std::is_same_v<S, float> || std::is_same_v<S, double> || std::is_same_v<S, std::int64_t> ||
                        std::is_same_v<S, std::uint8_t>;

/// to[i * to_step] = the element at from + i * step bytes, for i in [0, n).
template <class T, class S, bool kSwapped>
void convert_run(const std::byte* from, std::ptrdiff_t step, std::size_t n, T* to, std::size_t to_step) noexcept {
  if constexpr (!kSwapped && kOften<S>) {
    if (step == static_cast<std::ptrdiff_t>(sizeof(S)) && to_step == 1) {  // compilers vectorize this loop
      for (std::size_t i = 0; i < n; ++i) {
        to[i] = number<T>(load<S, false>(from + i * sizeof(S)));
      }
      return;
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    to[i * to_step] = number<T>(load<S, kSwapped>(from + static_cast<std::ptrdiff_t>(i) * step));
  }
}

/// Converts rows [first, first + to.rows()). The inner loop runs along the axis whose elements are closer together.
template <class T, class S, bool kSwapped>
void convert(const AnyMatrix& from, std::size_t first, MatrixView<T> to) noexcept {
  const auto at = [&](std::size_t r, std::size_t c) {
    return static_cast<const std::byte*>(from.data) + static_cast<std::ptrdiff_t>(r) * from.row_step +
           static_cast<std::ptrdiff_t>(c) * from.col_step;
  };
  if (std::abs(from.row_step) < std::abs(from.col_step)) {
    for (std::size_t c = 0; c < to.cols(); ++c) {
      convert_run<T, S, kSwapped>(at(first, c), from.row_step, to.rows(), to.data() + c, to.row_stride());
    }
    return;
  }
  for (std::size_t r = 0; r < to.rows(); ++r) {
    convert_run<T, S, kSwapped>(at(first + r, 0), from.col_step, to.cols(), to.row(r), 1);
  }
}

template <class T, class S>
void convert(const AnyMatrix& from, std::size_t first, MatrixView<T> to) noexcept {
  if (from.swapped && sizeof(S) > 1) {
    convert<T, S, true>(from, first, to);
  } else {
    convert<T, S, false>(from, first, to);
  }
}

template <class T>
void convert(const AnyMatrix& from, std::size_t first, MatrixView<T> to) noexcept {
  switch (from.element) {
    case Element::boolean:
      return convert<T, Boolean>(from, first, to);
    case Element::int8:
      return convert<T, std::int8_t>(from, first, to);
    case Element::uint8:
      return convert<T, std::uint8_t>(from, first, to);
    case Element::int16:
      return convert<T, std::int16_t>(from, first, to);
    case Element::uint16:
      return convert<T, std::uint16_t>(from, first, to);
    case Element::int32:
      return convert<T, std::int32_t>(from, first, to);
    case Element::uint32:
      return convert<T, std::uint32_t>(from, first, to);
    case Element::int64:
      return convert<T, std::int64_t>(from, first, to);
    case Element::uint64:
      return convert<T, std::uint64_t>(from, first, to);
    case Element::float16:
      return convert<T, Half>(from, first, to);
    case Element::float32:
      return convert<T, float>(from, first, to);
    case Element::float64:
      return convert<T, double>(from, first, to);
    case Element::long_double:
      return convert<T, long double>(from, first, to);
  }
}

std::ptrdiff_t size_of(Element element) noexcept {
  switch (element) {
    case Element::boolean:
    case Element::int8:
    case Element::uint8:
      return 1;
    case Element::int16:
    case Element::uint16:
    case Element::float16:
      return 2;
    case Element::int32:
    case Element::uint32:
    case Element::float32:
      return 4;
    case Element::int64:
    case Element::uint64:
    case Element::float64:
      return 8;
    case Element::long_double:
      return sizeof(long double);
  }
  return 0;
}

/// The first byte of a matrix, and the byte after its last one. Both are equal if the matrix has no elements.
std::pair<const void*, const void*> extent(const AnyMatrix& matrix) noexcept {
  if (matrix.rows == 0 || matrix.cols == 0) {
    return {matrix.data, matrix.data};
  }
  const std::ptrdiff_t rows = static_cast<std::ptrdiff_t>(matrix.rows - 1) * matrix.row_step;
  const std::ptrdiff_t cols = static_cast<std::ptrdiff_t>(matrix.cols - 1) * matrix.col_step;
  const std::ptrdiff_t first = std::min<std::ptrdiff_t>(rows, 0) + std::min<std::ptrdiff_t>(cols, 0);
  const std::ptrdiff_t last = std::max<std::ptrdiff_t>(rows, 0) + std::max<std::ptrdiff_t>(cols, 0);
  const auto* const data = static_cast<const std::byte*>(matrix.data);
  return {data + first, data + last + size_of(matrix.element)};
}

}  // namespace

// In the library's floating-point mode, denormal numbers of type T are flushed to zero. This function or the product
// that reads its output may flush them: the result is the same.
template <class T>
void Input<T>::read(std::size_t first, MatrixView<T> to) const {
  constexpr std::size_t kOperations = 4;  // cost estimate of one element, for polls: load, convert, store, loop
  runtime::in_parts(to.rows(), kOperations * to.cols(), [&](std::size_t begin, std::size_t end) {
    const MatrixView<T> part = to.middle_rows(begin, end - begin);
    if (!is_view_) {
      convert<T>(any_, first + begin, part);
      return;
    }
    for (std::size_t r = 0; r < part.rows(); ++r) {
      std::copy_n(view_.row(first + begin + r), part.cols(), part.row(r));
    }
  });
}

template <class T>
bool Input<T>::is_apart_from(MatrixView<T> out) const noexcept {
  if (is_view_) {
    return model::are_apart(view_, out);
  }
  // No byte of `out` may lie between the first and the last byte of this matrix.
  const auto [begin, end] = extent(any_);
  const std::less_equal<const void*> before;
  return begin == end || out.rows() == 0 || before(end, out.data()) ||
         before(out.row(out.rows() - 1) + out.cols(), begin);
}

template class Input<float>;
template class Input<double>;

}  // namespace backpass

#include "model/require_matrix.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

#include <backpass/error.hpp>

#include "base/text.hpp"

namespace backpass::model {
namespace {

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

}  // namespace

void refuse_null(std::string_view name, std::size_t rows, std::size_t cols) {
  throw ShapeError(std::string(name) + " has shape " + shape_text(rows, cols) + ", but its data pointer is null");
}

void refuse_stride(std::string_view name, std::size_t row_stride, std::size_t cols) {
  throw ShapeError(std::string(name) + " has rows of " + std::to_string(cols) + " numbers, but its row_stride is " +
                   std::to_string(row_stride) + ": the rows of an output must not overlap");
}

void refuse_overlap(std::string_view in, std::string_view out) {
  throw ShapeError(std::string(out) + " shares memory with " + std::string(in));
}

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

}  // namespace backpass::model

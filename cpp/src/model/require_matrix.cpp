#include "model/require_matrix.hpp"

#include <string>

#include <backpass/error.hpp>

#include "base/text.hpp"

namespace backpass::model {
void refuse_shape(std::string_view name, std::size_t rows, std::size_t cols, std::size_t expected_rows,
                  std::size_t expected_cols) {
  throw ShapeError(std::string(name) + " has shape " + shape_text(rows, cols) + ", expected " +
                   shape_text(expected_rows, expected_cols));
}

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

}  // namespace backpass::model

#include "nn/require.hpp"

#include <string>

#include <backpass/error.hpp>

namespace backpass::nn {

void refuse_null(std::string_view name, std::size_t rows, std::size_t cols) {
  throw ShapeError(std::string(name) + " has the shape (" + std::to_string(rows) + ", " + std::to_string(cols) +
                   "), but its data are a null pointer");
}

void refuse_stride(std::string_view name, std::size_t row_stride, std::size_t cols) {
  throw ShapeError(std::string(name) + " has rows of " + std::to_string(cols) + " numbers, but its row_stride is " +
                   std::to_string(row_stride) + ": a row would overwrite the one before");
}

void refuse_overlap(std::string_view in, std::string_view out) {
  throw ShapeError(std::string(out) + " shares memory with " + std::string(in));
}

}  // namespace backpass::nn

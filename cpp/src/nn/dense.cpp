#include "nn/dense.hpp"

#include <algorithm>

#include "kernels/dispatch.hpp"
#include "linalg/multiply.hpp"
#include "runtime/interrupt.hpp"

namespace backpass::nn {
namespace {

using kernels::Index;
using linalg::Product;

/// Rows that one product of a gradient reduces over. Further products continue the sum of a longer batch; the bits are
/// those of a single product.
constexpr std::size_t kGradientRows = 256;

template <class T>
Index stride(BasicMatrixView<T> matrix) noexcept {
  return static_cast<Index>(matrix.row_stride());
}

/// A product with A = a and C = c. The caller sets B.
template <class T>
Product<T> product_of(ConstMatrixView<T> a, MatrixView<T> c) noexcept {
  Product<T> p;
  p.m = static_cast<Index>(c.rows());
  p.n = static_cast<Index>(c.cols());
  p.k = static_cast<Index>(a.cols());
  p.a = a.data();
  p.a_row = stride(a);
  p.c = c.data();
  p.c_row = stride(c);
  return p;
}

}  // namespace

template <class T>
std::size_t dense_scratch_size(const Model<T>& model) {
  return linalg::scratch_size(kernels::table<T>(), std::max(model.largest_layer(), kGradientRows));
}

template <class T>
void dense_forward(const Model<T>& model, std::size_t i, ConstMatrixView<T> a, MatrixView<T> z, std::size_t column,
                   T* scratch) {
  Product<T> p = product_of(a, z);
  p.b = model.weight(i) + column;
  p.b_row = static_cast<Index>(model.layers[i].outputs);
  p.bias = model.bias(i) == nullptr ? nullptr : model.bias(i) + column;
  linalg::multiply(kernels::table<T>(), p, scratch);
}

template <class T>
void dense_backward(const Model<T>& model, std::size_t i, ConstMatrixView<T> xi, MatrixView<T> below,
                    std::size_t column, T* scratch) {
  Product<T> p = product_of(xi, below);
  p.b = model.weight(i) + column * model.layers[i].outputs;
  p.b_row = p.k;
  p.b_layout = linalg::Layout::transposed;
  linalg::multiply(kernels::table<T>(), p, scratch);
}

template <class T>
void dense_weight_gradient(const Model<T>& model, std::size_t i, ConstMatrixView<T> a, ConstMatrixView<T> xi,
                           std::size_t begin, std::size_t end, T* gradients, bool accumulate, T* take_ownership,
                           T* scratch) {
  const LayerSpec& layer = model.layers[i];
  const std::size_t offset = layer.offset + begin * layer.outputs;
  Product<T> p;  // rows [begin, end) of ∂E/∂Wt = Aᵀ Ξ
  p.m = static_cast<Index>(end - begin);
  p.n = static_cast<Index>(layer.outputs);
  p.a_row = 1;
  p.a_col = stride(a);
  p.b_row = stride(xi);
  p.c = gradients + offset;
  p.c_row = p.n;
  p.accumulate = accumulate;
  p.take_ownership = take_ownership == nullptr ? nullptr : take_ownership + offset;
  std::size_t row = 0;
  do {
    const std::size_t count = std::min(kGradientRows, a.rows() - row);
    p.k = static_cast<Index>(count);
    p.a = a.row(row) + begin;
    p.b = xi.row(row);
    linalg::multiply(kernels::table<T>(), p, scratch);
    p.accumulate = true;
    row += count;
    if (row < a.rows()) {  // multiply() polls only in large products
      runtime::poll(count * (end - begin) * layer.outputs);
    }
  } while (row < a.rows());
}

template <class T>
void dense_bias_gradient(const Model<T>& model, std::size_t i, ConstMatrixView<T> xi, T* gradients, bool accumulate,
                         T* scratch) {
  const LayerSpec& layer = model.layers[i];
  const T one(1);
  Product<T> p;  // (1, B) of ones times Ξ (B, M_i)
  p.m = 1;
  p.n = static_cast<Index>(layer.outputs);
  p.k = static_cast<Index>(xi.rows());
  p.a = &one;
  p.a_col = 0;
  p.b = xi.data();
  p.b_row = stride(xi);
  p.c = gradients + layer.offset + layer.num_weights();
  p.c_row = p.n;
  p.accumulate = accumulate;
  linalg::multiply(kernels::table<T>(), p, scratch);
}

#define BACKPASS_INSTANTIATE(T)                                                                                   \
  template std::size_t dense_scratch_size(const Model<T>&);                                                       \
  template void dense_forward(const Model<T>&, std::size_t, ConstMatrixView<T>, MatrixView<T>, std::size_t, T*);  \
  template void dense_backward(const Model<T>&, std::size_t, ConstMatrixView<T>, MatrixView<T>, std::size_t, T*); \
  template void dense_weight_gradient(const Model<T>&, std::size_t, ConstMatrixView<T>, ConstMatrixView<T>,       \
                                      std::size_t, std::size_t, T*, bool, T*, T*);                                \
  template void dense_bias_gradient(const Model<T>&, std::size_t, ConstMatrixView<T>, T*, bool, T*);
BACKPASS_INSTANTIATE(float)
BACKPASS_INSTANTIATE(double)
#undef BACKPASS_INSTANTIATE

}  // namespace backpass::nn

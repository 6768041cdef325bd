#include "pass/dense.hpp"

#include <algorithm>

#include "runtime/interrupt.hpp"

namespace backpass::pass {
namespace {

using kernels::Index;
using linalg::Product;

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
void dense_forward(const Worker<T>& worker, const model::Model<T>& model, std::size_t i, ConstMatrixView<T> a,
                   MatrixView<T> z, std::size_t column) {
  // [product-forward]
  Product<T> p = product_of(a, z);
  p.b = model.weight(i) + column;
  p.b_row = static_cast<Index>(model.layer(i).outputs);
  p.bias = model.bias(i) == nullptr ? nullptr : model.bias(i) + column;
  worker.multiply(p);
  // [/product-forward]
}

template <class T>
void dense_backward(const Worker<T>& worker, const model::Model<T>& model, std::size_t i, ConstMatrixView<T> xi,
                    MatrixView<T> below, std::size_t column) {
  // [product-backward]
  Product<T> p = product_of(xi, below);
  p.b = model.weight(i) + column * model.layer(i).outputs;
  p.b_row = p.k;
  worker.multiply(p, linalg::Layout::transposed);
  // [/product-backward]
}

template <class T>
void dense_weight_gradient(const Worker<T>& worker, const model::Model<T>& model, std::size_t i, ConstMatrixView<T> a,
                           ConstMatrixView<T> xi, std::size_t begin, std::size_t end, T* gradients, bool accumulate) {
  const LayerSpec& layer = model.layer(i);
  const std::size_t offset = layer.offset + begin * layer.outputs;
  // [product-gradient]
  Product<T> p;  // rows [begin, end) of ∂E/∂Wt = Aᵀ Ξ
  p.m = static_cast<Index>(end - begin);
  p.n = static_cast<Index>(layer.outputs);
  p.a_row = 1;
  p.a_col = stride(a);
  p.b_row = stride(xi);
  p.c = gradients + offset;
  p.c_row = p.n;
  p.accumulate = accumulate;
  p.take_ownership = worker.take_ownership == nullptr ? nullptr : worker.take_ownership + offset;
  // [/product-gradient]
  // One product adds at most kGradientRows rows. Each product continues the sum, so the bits are those of one product.
  std::size_t row = 0;
  do {
    const std::size_t count = std::min(kGradientRows, a.rows() - row);
    p.k = static_cast<Index>(count);
    p.a = a.row(row) + begin;
    p.b = xi.row(row);
    worker.multiply(p);
    p.accumulate = true;
    row += count;
    if (row < a.rows()) {  // multiply() polls only in large products
      runtime::poll(count * (end - begin) * layer.outputs);
    }
  } while (row < a.rows());
}

template <class T>
void dense_bias_gradient(const Worker<T>& worker, const model::Model<T>& model, std::size_t i, ConstMatrixView<T> xi,
                         T* gradients, bool accumulate) {
  const LayerSpec& layer = model.layer(i);
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
  worker.multiply(p);
}

#define BACKPASS_INSTANTIATE(T)                                                                                    \
  template void dense_forward(const Worker<T>&, const model::Model<T>&, std::size_t, ConstMatrixView<T>,           \
                              MatrixView<T>, std::size_t);                                                         \
  template void dense_backward(const Worker<T>&, const model::Model<T>&, std::size_t, ConstMatrixView<T>,          \
                               MatrixView<T>, std::size_t);                                                        \
  template void dense_weight_gradient(const Worker<T>&, const model::Model<T>&, std::size_t, ConstMatrixView<T>,   \
                                      ConstMatrixView<T>, std::size_t, std::size_t, T*, bool);                     \
  template void dense_bias_gradient(const Worker<T>&, const model::Model<T>&, std::size_t, ConstMatrixView<T>, T*, \
                                    bool);
BACKPASS_INSTANTIATE(float)
BACKPASS_INSTANTIATE(double)
#undef BACKPASS_INSTANTIATE

}  // namespace backpass::pass

#include "model/activate.hpp"

#include <vector>

#include "base/floating_point_mode.hpp"
#include "base/of_type.hpp"
#include "kernels/dispatch.hpp"
#include "runtime/interrupt.hpp"

namespace backpass::model {
namespace {

/// Cost estimate of one element in multiply-adds, for polls. tanh takes about 20 cycles per vector (docs/tuning.md), as
/// long as about 20 multiply-adds.
constexpr std::size_t kOperations = 16;

/// Calls f(r) for every row r, with polls in between.
template <class F>
void for_rows(std::size_t rows, std::size_t cols, F f) {
  runtime::in_parts(rows, kOperations * cols, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      f(r);
    }
  });
}

/// Calls f(n, from, to) on long runs of elements if both matrices are contiguous, else once per row.
template <class From, class To, class F>
void for_runs(BasicMatrixView<From> from, BasicMatrixView<To> to, F f) {
  const std::size_t cols = from.cols();
  if (from.row_stride() == cols && to.row_stride() == cols) {
    runtime::in_parts(from.rows() * cols, kOperations, [&](std::size_t begin, std::size_t end) {
      f(static_cast<kernels::Index>(end - begin), from.data() + begin, to.data() + begin);
    });
    return;
  }
  for_rows(from.rows(), cols, [&](std::size_t r) { f(static_cast<kernels::Index>(cols), from.row(r), to.row(r)); });
}

}  // namespace

template <class T>
void activate(const kernels::KernelTable<T>& kernels, const Activation& activation, ConstMatrixView<T> z,
              MatrixView<T> a) {
  const ActivationKind kind = activation.kind();
  const auto cols = static_cast<kernels::Index>(z.cols());
  if (kind == ActivationKind::custom) {
    const CustomActivation& custom = *activation.custom_functions();
    in_callers_mode(of_type<T>(custom.function_f32, custom.function_f64), z, a);
  } else if (const auto kernel = row_kernel(kernels, activation)) {
    for_rows(z.rows(), z.cols(), [&](std::size_t r) { kernel(cols, z.row(r), a.row(r)); });
  } else if (kind != ActivationKind::identity || z.data() != a.data()) {
    const auto elementwise = kernels.activate[static_cast<int>(kind)];
    const T parameter = static_cast<T>(activation.parameter());
    for_runs(z, a, [&](kernels::Index n, const T* from, T* to) { elementwise(n, parameter, from, to); });
  }
}

template <class T>
void multiply_by_derivative(const kernels::KernelTable<T>& kernels, const Activation& activation,
                            ConstMatrixView<T> stored, MatrixView<T> g) {
  const ActivationKind kind = activation.kind();
  const auto cols = static_cast<kernels::Index>(g.cols());
  if (kind == ActivationKind::identity) {
    return;
  }
  if (kind == ActivationKind::custom) {
    std::vector<T> derivative(g.rows() * g.cols());
    const CustomActivation& custom = *activation.custom_functions();
    in_callers_mode(of_type<T>(custom.derivative_f32, custom.derivative_f64), stored,
                    MatrixView<T>(derivative.data(), g.rows(), g.cols()));
    for (std::size_t r = 0; r < g.rows(); ++r) {
      for (std::size_t c = 0; c < g.cols(); ++c) {
        g(r, c) *= derivative[r * g.cols() + c];
      }
    }
  } else if (kind == ActivationKind::softmax || kind == ActivationKind::log_softmax) {
    const auto kernel = kind == ActivationKind::softmax ? kernels.softmax_gradient : kernels.log_softmax_gradient;
    for_rows(g.rows(), g.cols(), [&](std::size_t r) { kernel(cols, stored.row(r), g.row(r)); });
  } else {
    const auto kernel = kernels.activate_gradient[static_cast<int>(kind)];
    const T parameter = static_cast<T>(activation.parameter());
    for_runs(stored, g, [&](kernels::Index n, const T* from, T* to) { kernel(n, parameter, from, to); });
  }
}

template void activate(const kernels::KernelTable<float>&, const Activation&, ConstMatrixView<float>,
                       MatrixView<float>);
template void activate(const kernels::KernelTable<double>&, const Activation&, ConstMatrixView<double>,
                       MatrixView<double>);
template void multiply_by_derivative(const kernels::KernelTable<float>&, const Activation&, ConstMatrixView<float>,
                                     MatrixView<float>);
template void multiply_by_derivative(const kernels::KernelTable<double>&, const Activation&, ConstMatrixView<double>,
                                     MatrixView<double>);

}  // namespace backpass::model

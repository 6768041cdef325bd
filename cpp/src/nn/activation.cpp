#include <backpass/activation.hpp>

#include <array>
#include <cmath>
#include <stdexcept>
#include <utility>

#include <backpass/error.hpp>

#include "base/number_text.hpp"
#include "nn/activate.hpp"
#include "nn/require.hpp"

namespace backpass {
namespace {

constexpr std::array<std::string_view, kActivationKinds - 1> kNames{
    "identity",  "relu",       "relu6", "leaky_relu", "elu",      "selu",       "celu",         "gelu",
    "gelu_tanh", "silu",       "mish",  "softplus",   "softsign", "sigmoid",    "hard_sigmoid", "tanh",
    "hard_tanh", "hard_swish", "exp",   "sin",        "softmax",  "log_softmax"};

double default_parameter(ActivationKind kind) noexcept {
  switch (kind) {
    case ActivationKind::leaky_relu:
      return 0.01;
    case ActivationKind::elu:
    case ActivationKind::celu:
      return 1.0;
    default:
      return 0.0;
  }
}

template <class T>
CustomActivation::Function<T> elementwise(const std::function<double(double)>& f) {
  return [f](ConstMatrixView<T> z, MatrixView<T> out) {
    for (std::size_t r = 0; r < z.rows(); ++r) {
      for (std::size_t c = 0; c < z.cols(); ++c) {
        out(r, c) = static_cast<T>(f(static_cast<double>(z(r, c))));
      }
    }
  };
}

}  // namespace

#define BACKPASS_PLAIN_ACTIVATION(name)    \
  Activation Activation::name() noexcept { \
    Activation a;                          \
    a.kind_ = ActivationKind::name;        \
    return a;                              \
  }
BACKPASS_PLAIN_ACTIVATION(identity)
BACKPASS_PLAIN_ACTIVATION(relu)
BACKPASS_PLAIN_ACTIVATION(relu6)
BACKPASS_PLAIN_ACTIVATION(selu)
BACKPASS_PLAIN_ACTIVATION(gelu)
BACKPASS_PLAIN_ACTIVATION(gelu_tanh)
BACKPASS_PLAIN_ACTIVATION(silu)
BACKPASS_PLAIN_ACTIVATION(mish)
BACKPASS_PLAIN_ACTIVATION(softplus)
BACKPASS_PLAIN_ACTIVATION(softsign)
BACKPASS_PLAIN_ACTIVATION(sigmoid)
BACKPASS_PLAIN_ACTIVATION(hard_sigmoid)
BACKPASS_PLAIN_ACTIVATION(tanh)
BACKPASS_PLAIN_ACTIVATION(hard_tanh)
BACKPASS_PLAIN_ACTIVATION(hard_swish)
BACKPASS_PLAIN_ACTIVATION(exp)
BACKPASS_PLAIN_ACTIVATION(sin)
BACKPASS_PLAIN_ACTIVATION(softmax)
BACKPASS_PLAIN_ACTIVATION(log_softmax)
#undef BACKPASS_PLAIN_ACTIVATION

Activation Activation::leaky_relu(double negative_slope) { return from_name("leaky_relu", negative_slope); }
Activation Activation::elu(double alpha) { return from_name("elu", alpha); }
Activation Activation::celu(double alpha) { return from_name("celu", alpha); }

Activation Activation::custom(CustomActivation functions) {
  if (!functions.function_f32 || !functions.derivative_f32 || !functions.function_f64 || !functions.derivative_f64) {
    throw std::invalid_argument(
        "custom activation: the function and its derivative are needed for float and for double");
  }
  Activation a;
  a.kind_ = ActivationKind::custom;
  a.custom_ = std::make_shared<const CustomActivation>(std::move(functions));
  return a;
}

Activation Activation::custom(const std::function<double(double)>& function,
                              const std::function<double(double)>& derivative) {
  if (!function || !derivative) {
    throw std::invalid_argument("custom activation: a function and its derivative are needed");
  }
  return custom(CustomActivation{elementwise<float>(function), elementwise<float>(derivative),
                                 elementwise<double>(function), elementwise<double>(derivative)});
}

Activation Activation::from_name(std::string_view name) {
  std::string known;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) {
      Activation a;
      a.kind_ = static_cast<ActivationKind>(i);
      a.parameter_ = default_parameter(a.kind_);
      return a;
    }
    known += (i == 0 ? "" : ", ") + std::string(kNames[i]);
  }
  throw std::invalid_argument("unknown activation \"" + std::string(name) + "\"; there are: " + known);
}

Activation Activation::from_name(std::string_view name, double parameter) {
  Activation a = from_name(name);
  if (!a.has_parameter()) {
    throw std::invalid_argument(std::string(name) + " takes no parameter");
  }
  if (!std::isfinite(parameter) || (a.kind_ == ActivationKind::celu && parameter == 0.0)) {
    throw std::invalid_argument(std::string(name) + ": " + number_text(parameter) + " is not a valid parameter");
  }
  a.parameter_ = parameter;
  return a;
}

std::span<const std::string_view> Activation::names() noexcept { return kNames; }

std::string_view Activation::name() const noexcept {
  return kind_ == ActivationKind::custom ? std::string_view("custom") : kNames[static_cast<std::size_t>(kind_)];
}

bool Activation::has_parameter() const noexcept { return default_parameter(kind_) != 0.0; }

template <class T>
void Activation::apply(ConstMatrixView<T> z, MatrixView<T> a) const {
  if (z.rows() != a.rows() || z.cols() != a.cols()) {
    throw ShapeError("activation: z is " + std::to_string(z.rows()) + " x " + std::to_string(z.cols()) + ", a is " +
                     std::to_string(a.rows()) + " x " + std::to_string(a.cols()));
  }
  nn::require_data("z", z);
  nn::require_writable("a", a);
  nn::require_same_or_apart("z", z, "a", a);
  nn::activate(*this, z, a);
}

template void Activation::apply(ConstMatrixView<float>, MatrixView<float>) const;
template void Activation::apply(ConstMatrixView<double>, MatrixView<double>) const;

}  // namespace backpass

#include <backpass/activation.hpp>

#include <array>
#include <cmath>
#include <stdexcept>
#include <utility>

#include <backpass/error.hpp>

#include "base/text.hpp"
#include "kernels/dispatch.hpp"
#include "model/activate.hpp"
#include "model/require_matrix.hpp"

namespace backpass {
namespace {

struct Parameter {
  bool exists = false;
  double default_value = 0.0;
  bool (*allows)(double) = nullptr;
};
bool finite(double value) noexcept { return std::isfinite(value); }
bool nonzero(double value) noexcept { return std::isfinite(value) && value != 0.0; }

#define BACKPASS_NAME(name, ...) #name,
constexpr std::array<std::string_view, kActivationKinds - 1> kActivationNames{
    BACKPASS_ACTIVATIONS(BACKPASS_NAME, BACKPASS_NAME)};
#undef BACKPASS_NAME

#define BACKPASS_PLAIN(...) Parameter{},
#define BACKPASS_PARAMETRIC(name, Class, source, init, outputs, definition, parameter, default_value, domain) \
  Parameter{true, default_value, domain},
constexpr std::array<Parameter, kActivationKinds> kParameters{BACKPASS_ACTIVATIONS(BACKPASS_PLAIN, BACKPASS_PARAMETRIC)
                                                                  Parameter{}};
#undef BACKPASS_PLAIN
#undef BACKPASS_PARAMETRIC

const Parameter& parameter_of(ActivationKind kind) noexcept { return kParameters[static_cast<std::size_t>(kind)]; }

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

#define BACKPASS_PLAIN(name, ...)          \
  Activation Activation::name() noexcept { \
    Activation a;                          \
    a.kind_ = ActivationKind::name;        \
    return a;                              \
  }
#define BACKPASS_PARAMETRIC(name, Class, source, init, outputs, definition, parameter, default_value, domain) \
  Activation Activation::name(double parameter) { return from_name(#name, parameter); }
BACKPASS_ACTIVATIONS(BACKPASS_PLAIN, BACKPASS_PARAMETRIC)
#undef BACKPASS_PLAIN
#undef BACKPASS_PARAMETRIC

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
  const auto& known = entry_of_name("activation", name, kActivationNames);
  Activation a;
  a.kind_ = static_cast<ActivationKind>(&known - kActivationNames.data());
  a.parameter_ = parameter_of(a.kind_).default_value;
  return a;
}

Activation Activation::from_name(std::string_view name, double parameter) {
  Activation a = from_name(name);
  if (!a.has_parameter()) {
    throw std::invalid_argument(std::string(name) + " takes no parameter");
  }
  if (!parameter_of(a.kind_).allows(parameter)) {
    throw std::invalid_argument(std::string(name) + ": " + number_text(parameter) + " is not a valid parameter");
  }
  a.parameter_ = parameter;
  return a;
}

std::span<const std::string_view> Activation::names() noexcept { return kActivationNames; }

std::string_view activation_name(ActivationKind kind) noexcept {
  return kind == ActivationKind::custom ? std::string_view("custom") : kActivationNames[static_cast<std::size_t>(kind)];
}

std::string_view Activation::name() const noexcept { return activation_name(kind_); }

OutputRange Activation::outputs() const noexcept {
#define BACKPASS_OUTPUTS(name, Class, source, init, outputs, ...) OutputRange::outputs,
  constexpr OutputRange kOutputs[] = {BACKPASS_ACTIVATIONS(BACKPASS_OUTPUTS, BACKPASS_OUTPUTS) OutputRange::unknown};
#undef BACKPASS_OUTPUTS
  return kOutputs[static_cast<std::size_t>(kind_)];
}

bool Activation::has_parameter() const noexcept { return parameter_of(kind_).exists; }

template <class T>
void Activation::apply(ConstMatrixView<T> z, MatrixView<T> a) const {
  if (z.rows() != a.rows() || z.cols() != a.cols()) {
    throw ShapeError("activation: z has shape " + shape_text(z.rows(), z.cols()) + ", a has shape " +
                     shape_text(a.rows(), a.cols()));
  }
  model::require_data("z", z);
  model::require_writable("a", a);
  model::require_same_or_apart("z", z, "a", a);
  model::activate(kernels::table<T>(), *this, z, a);
}

template void Activation::apply(ConstMatrixView<float>, MatrixView<float>) const;
template void Activation::apply(ConstMatrixView<double>, MatrixView<double>) const;

}  // namespace backpass

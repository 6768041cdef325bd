/// \file activation.hpp
/// Activation functions φ with a = φ(z). Definitions and constants are PyTorch's.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <backpass/activation_kind.hpp>
#include <backpass/compiler.hpp>
#include <backpass/matrix.hpp>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wfloat-equal"  // settings are equal when all their bits are

namespace backpass {

/// A user's own activation. Each function maps z (rows, cols) to an output of the same shape, elementwise.
/// It is called on one thread, on blocks of rows.
struct CustomActivation {
  template <class T>
  using Function = std::function<void(ConstMatrixView<T> z, MatrixView<T> out)>;
  Function<float> function_f32;
  Function<float> derivative_f32;
  Function<double> function_f64;
  Function<double> derivative_f64;
};

/// One activation function with its parameter. A small value type: copy it freely.
class BACKPASS_EXPORT Activation {
 public:
  Activation() noexcept = default;  ///< identity

#define BACKPASS_PLAIN(name, ...) static Activation name() noexcept;
#define BACKPASS_PARAMETRIC(name, Class, source, init, definition, parameter, default_value, domain) \
  static Activation name(double parameter = default_value);
  /// One factory per row of activation_list.hpp. \throws std::invalid_argument for a parameter outside its domain
  BACKPASS_ACTIVATIONS(BACKPASS_PLAIN, BACKPASS_PARAMETRIC)
#undef BACKPASS_PLAIN
#undef BACKPASS_PARAMETRIC
  static Activation custom(CustomActivation functions);
  /// From two scalar functions of z.
  static Activation custom(const std::function<double(double)>& function,
                           const std::function<double(double)>& derivative);

  /// By its name in snake_case, with the default parameter.
  /// \throws std::invalid_argument for an unknown name; the message lists the known ones
  static Activation from_name(std::string_view name);
  static Activation from_name(std::string_view name, double parameter);
  /// All names but "custom", in the order of ActivationKind.
  static std::span<const std::string_view> names() noexcept;

  [[nodiscard]] ActivationKind kind() const noexcept { return kind_; }
  [[nodiscard]] std::string_view name() const noexcept;
  /// negative_slope of leaky_relu, alpha of elu and celu; 0 elsewhere.
  [[nodiscard]] double parameter() const noexcept { return parameter_; }
  [[nodiscard]] bool has_parameter() const noexcept;
  [[nodiscard]] const CustomActivation* custom_functions() const noexcept { return custom_.get(); }

  /// a = φ(z), row by row. \throws ShapeError unless the shapes are equal, and `a` is `z` itself or apart from it
  template <class T>
  void apply(ConstMatrixView<T> z, MatrixView<T> a) const;

  friend bool operator==(const Activation&, const Activation&) noexcept = default;

 private:
  ActivationKind kind_ = ActivationKind::identity;
  double parameter_ = 0.0;
  std::shared_ptr<const CustomActivation> custom_;
};

extern template void Activation::apply(ConstMatrixView<float>, MatrixView<float>) const;
extern template void Activation::apply(ConstMatrixView<double>, MatrixView<double>) const;

}  // namespace backpass

#pragma GCC diagnostic pop

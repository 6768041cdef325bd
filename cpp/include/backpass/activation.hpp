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
#pragma GCC diagnostic ignored "-Wfloat-equal"  // the exact comparison of settings is intended

namespace backpass {

/// An elementwise activation φ of the user. Each function reads z and writes `out`, both (rows, cols). The library
/// calls the functions on the caller's thread, for blocks of rows.
struct CustomActivation {
  template <class T>
  using Function = std::function<void(ConstMatrixView<T> z, MatrixView<T> out)>;
  Function<float> function_f32;     ///< φ(z)
  Function<float> derivative_f32;   ///< φ'(z)
  Function<double> function_f64;    ///< φ(z)
  Function<double> derivative_f64;  ///< φ'(z)
};

/// The name of an activation in snake_case.
[[nodiscard]] BACKPASS_EXPORT std::string_view activation_name(ActivationKind kind) noexcept;

/// The values that an activation may have.
enum class OutputRange : unsigned char {
  real,              ///< also negative ones
  non_negative,      ///< a ≥ 0
  unit_interval,     ///< 0 ≤ a ≤ 1: a probability per output
  distribution,      ///< a ≥ 0 with sum 1 over the outputs of a sample
  log_distribution,  ///< the logarithms of a distribution
  unknown,           ///< an activation of the user
};

/// An activation function with its parameter. A small value type that is cheap to copy.
class BACKPASS_EXPORT Activation {
 public:
  Activation() noexcept = default;  ///< identity

#define BACKPASS_PLAIN(name, ...) static Activation name() noexcept;
#define BACKPASS_PARAMETRIC(name, Class, source, init, outputs, definition, parameter, default_value, domain) \
  static Activation name(double parameter = default_value);
  /// One factory per row of activation_list.hpp. \throws std::invalid_argument for a parameter outside its domain
  BACKPASS_ACTIVATIONS(BACKPASS_PLAIN, BACKPASS_PARAMETRIC)
#undef BACKPASS_PLAIN
#undef BACKPASS_PARAMETRIC
  /// \throws std::invalid_argument unless all four functions are set
  static Activation custom(CustomActivation functions);
  /// From two scalar functions: φ(z) and φ'(z). \throws std::invalid_argument unless both are set
  static Activation custom(const std::function<double(double)>& function,
                           const std::function<double(double)>& derivative);

  /// The activation of this name in snake_case, with its default parameter.
  /// \throws std::invalid_argument for an unknown name; the message lists the known names
  static Activation from_name(std::string_view name);
  /// The same with the given parameter.
  /// \throws std::invalid_argument also if the activation takes no parameter, or if the parameter is invalid
  static Activation from_name(std::string_view name, double parameter);
  /// All names except "custom", in the order of ActivationKind.
  static std::span<const std::string_view> names() noexcept;

  [[nodiscard]] ActivationKind kind() const noexcept { return kind_; }
  [[nodiscard]] std::string_view name() const noexcept;
  [[nodiscard]] OutputRange outputs() const noexcept;
  /// negative_slope of leaky_relu, alpha of elu and celu, 0 for all others.
  [[nodiscard]] double parameter() const noexcept { return parameter_; }
  [[nodiscard]] bool has_parameter() const noexcept;
  /// Null unless kind() is custom.
  [[nodiscard]] const CustomActivation* custom_functions() const noexcept { return custom_.get(); }

  /// a = φ(z) for each row.
  /// \param z  (rows, cols)
  /// \param a  (rows, cols). May be z, but must not overlap it otherwise
  /// \throws ShapeError if the shapes differ or if `a` overlaps z in part
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

/// \file initializer.hpp
/// The initial values of weights. Biases start at zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <backpass/activation.hpp>
#include <backpass/compiler.hpp>
#include <backpass/matrix.hpp>
#include <backpass/random.hpp>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wfloat-equal"  // the exact comparison of settings is intended

namespace backpass {

enum class InitializerKind : unsigned char {
  /// Depends on the layer's activation and on the number of layers of the network. The relu family: Glorot uniform in
  /// networks of up to 10 layers, He normal in deeper ones. selu: LeCun normal. All others: Glorot uniform.
  automatic,
  he_normal,
  he_uniform,
  glorot_normal,
  glorot_uniform,
  lecun_normal,
  lecun_uniform,
  zeros,
  constant,    ///< parameter: the value
  normal,      ///< parameter: the standard deviation
  uniform,     ///< parameter: the half width
  orthogonal,  ///< parameter: the gain
};

/// An initializer and its parameter.
///
/// The variance of a weight, with fan_in = M_{i-1} and fan_out = M_i, is the same for the normal and the uniform
/// distribution:
/// - He: 2 / fan_in (He et al. 2015)
/// - Glorot: 2 / (fan_in + fan_out) (Glorot and Bengio 2010)
/// - LeCun: 1 / fan_in (LeCun et al. 1998)
///
/// For `orthogonal`, the rows or the columns, whichever are fewer, are orthonormal vectors times the gain (Saxe et al.
/// 2014).
struct BACKPASS_EXPORT Initializer {
  InitializerKind kind = InitializerKind::automatic;
  double parameter = 0.0;

  static Initializer constant(double value) { return {InitializerKind::constant, value}; }
  static Initializer normal(double standard_deviation) { return {InitializerKind::normal, standard_deviation}; }
  static Initializer uniform(double half_width) { return {InitializerKind::uniform, half_width}; }
  static Initializer orthogonal(double gain = 1.0) { return {InitializerKind::orthogonal, gain}; }
  /// The initializer of this name: "auto", "he_normal", …. The default parameters are 0 for constant, 0.01 for normal,
  /// 0.05 for uniform and 1 for orthogonal.
  /// \throws std::invalid_argument for an unknown name; the message lists the known names
  static Initializer from_name(std::string_view name);
  [[nodiscard]] std::string_view name() const noexcept;

  friend bool operator==(const Initializer&, const Initializer&) = default;
};

/// Fills the weights of a layer from the counters 0, 1, … of `random`. Computes in double precision and rounds once.
/// \param activation  of the layer; it decides the kind if init.kind is automatic
/// \param w           (fan_in, fan_out)
/// \param num_layers  N of the network; it decides the kind if init.kind is automatic
/// \throws std::invalid_argument unless the parameter is finite
template <class T>
BACKPASS_EXPORT void initialize(const Initializer& init, const Activation& activation, MatrixView<T> w,
                                const Philox& random, std::size_t num_layers = 1);

extern template void initialize(const Initializer&, const Activation&, MatrixView<float>, const Philox&, std::size_t);
extern template void initialize(const Initializer&, const Activation&, MatrixView<double>, const Philox&, std::size_t);

}  // namespace backpass

#pragma GCC diagnostic pop

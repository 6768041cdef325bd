/// \file initializer.hpp
/// How weights start. Biases start at zero.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <backpass/activation.hpp>
#include <backpass/compiler.hpp>
#include <backpass/matrix.hpp>
#include <backpass/random.hpp>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wfloat-equal"  // settings are equal when all their bits are

namespace backpass {

enum class InitializerKind : unsigned char {
  automatic,  ///< He normal for the relu family, LeCun normal for selu, Glorot uniform otherwise
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
/// With fan_in = M_{i-1}, fan_out = M_i: He variance 2 / fan_in (He et al. 2015), Glorot 2 / (fan_in + fan_out)
/// (Glorot and Bengio 2010), LeCun 1 / fan_in (LeCun et al. 1998); uniform ones have the same variance.
/// orthogonal: rows or columns, whichever are fewer, are orthonormal times the gain (Saxe et al. 2014).
struct BACKPASS_EXPORT Initializer {
  InitializerKind kind = InitializerKind::automatic;
  double parameter = 0.0;

  static Initializer constant(double value) { return {InitializerKind::constant, value}; }
  static Initializer normal(double standard_deviation) { return {InitializerKind::normal, standard_deviation}; }
  static Initializer uniform(double half_width) { return {InitializerKind::uniform, half_width}; }
  static Initializer orthogonal(double gain = 1.0) { return {InitializerKind::orthogonal, gain}; }
  /// "auto", "he_normal", …; constant, normal, uniform, orthogonal take defaults 0, 0.01, 0.05, 1.
  /// \throws std::invalid_argument for an unknown name; the message lists the known ones
  static Initializer from_name(std::string_view name);
  [[nodiscard]] std::string_view name() const noexcept;

  friend bool operator==(const Initializer&, const Initializer&) = default;
};

/// Fills w (fan_in, fan_out), input-major, in double precision rounded once, from random's counters 0, 1, ….
template <class T>
BACKPASS_EXPORT void initialize(const Initializer& init, const Activation& activation, MatrixView<T> w,
                                const Philox& random);

extern template void initialize(const Initializer&, const Activation&, MatrixView<float>, const Philox&);
extern template void initialize(const Initializer&, const Activation&, MatrixView<double>, const Philox&);

}  // namespace backpass

#pragma GCC diagnostic pop

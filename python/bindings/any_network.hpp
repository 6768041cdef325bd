/// The C++ object of Python's Network: a Network<float> or Network<double>, and the data that the bindings need.
#pragma once

#include <limits>
#include <memory>
#include <utility>
#include <variant>

#include <backpass/network.hpp>

#include "access.hpp"

namespace backpass::python {

class AnyNetwork {
 public:
  using Variant = std::variant<Network<float>, Network<double>>;

  /// Returns f(network), where the type of network is Network<T>&.
  template <class F>
  decltype(auto) visit(F&& f) {
    return std::visit(std::forward<F>(f), network_);
  }
  template <class F>
  decltype(auto) visit(F&& f) const {
    return std::visit(std::forward<F>(f), network_);
  }

  explicit AnyNetwork(Variant network);
  AnyNetwork(const AnyNetwork&) = delete;
  AnyNetwork& operator=(const AnyNetwork&) = delete;

  /// Number of multiply-adds of one pass over `rows` rows, for without_gil. Infinite with a Custom activation or loss,
  /// because its Python functions may take any time.
  [[nodiscard]] double operations(std::size_t rows) const noexcept {
    return calls_python_ ? std::numeric_limits<double>::infinity() : static_cast<double>(rows) * parameters_;
  }
  [[nodiscard]] double operations(std::size_t rows, const Loss& loss) const noexcept {
    return std::holds_alternative<CustomLoss>(loss) ? std::numeric_limits<double>::infinity() : operations(rows);
  }

  /// The same for a copy of the network.
  [[nodiscard]] double copy_operations() const noexcept { return kCopyOperations * parameters_; }

  /// Every call that reads or changes the network's numbers holds this gate.
  mutable Gate gate;
  /// Whether x of the last forward() was one-dimensional.
  bool last_single = false;

 private:
  static constexpr double kCopyOperations = 8.0;  ///< per parameter: parameters and gradients

  Variant network_;
  bool calls_python_ = false;
  double parameters_ = 0.0;
};

/// A new Python object of class `cls`, a subclass of the bound class, that holds `network`.
py::object adopt(py::handle cls, NetworkPointer network);
/// The base object of an array view of native memory. It keeps `memory` alive.
py::capsule keep(std::shared_ptr<const void> memory);
/// collected() needs these. They visit and clear the functions of the network's Custom activations.
int visit_objects(const AnyNetwork& network, visitproc visit, void* arg);
void clear_objects(const AnyNetwork& network);
/// Whether a dtype-like is float64; if not, it is float32. None means float32.
/// \throws py::value_error for any other dtype
bool is_double(py::handle dtype);
/// \throws py::type_error, py::value_error for invalid arguments
NetworkOptions make_options(py::handle sizes, py::handle activation, py::handle output, py::handle bias,
                            py::handle dropout, py::handle init, py::handle seed);
NetworkPointer make_network(const NetworkOptions& options, bool to_double);

}  // namespace backpass::python

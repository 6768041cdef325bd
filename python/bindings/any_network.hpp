/// What Python's Network holds: a network of either type, and what the bindings know of it.
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

  /// f(Network<T>&)
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

  /// Multiply-adds of a pass over the rows, for without_gil. Without bound with a Custom activation: it takes the GIL
  /// on a thread of the core's choice, so the caller must not keep it.
  [[nodiscard]] double operations(std::size_t rows) const noexcept {
    return calls_python_ ? std::numeric_limits<double>::infinity() : static_cast<double>(rows) * parameters_;
  }
  [[nodiscard]] double operations(std::size_t rows, const Loss& loss) const noexcept {
    return std::holds_alternative<CustomLoss>(loss) ? std::numeric_limits<double>::infinity() : operations(rows);
  }

  /// For all calls that use the network's numbers.
  mutable Gate gate;
  /// Whether the last forward()'s x was one-dimensional.
  bool last_single = false;

 private:
  Variant network_;
  bool calls_python_ = false;
  double parameters_ = 0.0;
};

/// A new object of `cls`, a subclass of the bound class, around a network.
py::object adopt(py::handle cls, NetworkPointer network);
/// The base of an array over native memory, which it keeps.
py::capsule keep(std::shared_ptr<const void> memory);
/// For collected(): the functions of the network's Custom activations.
int visit_objects(const AnyNetwork& network, visitproc visit, void* arg);
void clear_objects(const AnyNetwork& network);
/// Whether a dtype-like is float64; else it is float32, which None means, too.
/// \throws py::value_error for another
bool is_double(py::handle dtype);
/// \throws py::type_error, py::value_error for arguments that are no such options
NetworkOptions make_options(py::handle sizes, py::handle activation, py::handle output, py::handle bias,
                            py::handle dropout, py::handle init, py::handle seed);
NetworkPointer make_network(const NetworkOptions& options, bool to_double);

}  // namespace backpass::python

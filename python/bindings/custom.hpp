/// Python callables as the functions of CustomActivation and CustomLoss. The core calls these functions on the thread
/// of the call, usually without the GIL.
#pragma once

#include <memory>
#include <utility>

#include <backpass/activation.hpp>
#include <backpass/loss.hpp>

#include "annotations.hpp"

namespace backpass::python {

/// A reference to a Python object. It may be copied and destroyed without the GIL.
class SharedObject {
 public:
  explicit SharedObject(py::object object);
  /// The object. Needs the GIL.
  [[nodiscard]] const py::object& get() const noexcept { return *object_; }
  /// Releases the object; all copies of this reference then hold None. Needs the GIL.
  void clear() const noexcept { const py::object dropped = std::exchange(*object_, py::none()); }

 private:
  std::shared_ptr<py::object> object_;
};

/// A function of a Custom activation: z (rows, M_i) -> an array that broadcasts to (rows, M_i).
struct ElementwiseFunction {
  SharedObject callable;
  template <class T>
  void operator()(ConstMatrixView<T> z, MatrixView<T> out) const;
};
/// The function of a Custom loss: (a, y) -> (value, ∂E/∂a), with a and ∂E/∂a of shape (B, M_N).
struct LossFunction {
  SharedObject callable;
  template <class T>
  double operator()(ConstMatrixView<T> a, Targets<T> y, MatrixView<T> grad) const;
};

/// Calls a Python function (y, output, sample_weight) -> number, for a CustomMetric.
struct MetricFunction {
  SharedObject callable;
  template <class T>
  double operator()(ConstMatrixView<T> a, Targets<T> y, std::span<const T> sample_weight) const;
};

Activation make_custom_activation(const Function& function, const Function& derivative);
CustomLoss make_custom_loss(const Function& function);

// The Python callables of a Custom activation or loss.
const py::object& function_of(const Activation& activation);
const py::object& derivative_of(const Activation& activation);
const py::object& function_of(const CustomLoss& loss);

/// The same activation. A Custom activation gets separate references to its functions, so that the garbage collector
/// can count the references of each network and each activation object.
Activation with_own_functions(const Activation& activation);

// collected() needs these. Only Custom activations and Custom losses hold Python objects.
int visit_objects(const Activation& activation, visitproc visit, void* arg);
void clear_objects(const Activation& activation);
int visit_objects(const CustomLoss& loss, visitproc visit, void* arg);
void clear_objects(const CustomLoss& loss);

}  // namespace backpass::python

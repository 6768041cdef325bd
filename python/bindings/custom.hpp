/// Python callables as the core's Custom functions. The core calls them without the GIL, from whichever thread it
/// likes.
#pragma once

#include <memory>
#include <utility>

#include <backpass/activation.hpp>
#include <backpass/loss.hpp>

#include "annotations.hpp"

namespace backpass::python {

/// A Python object that may be copied and dropped without the GIL.
class SharedObject {
 public:
  explicit SharedObject(py::object object);
  /// The object; with the GIL held.
  [[nodiscard]] const py::object& get() const noexcept { return *object_; }
  /// Drops the object for all copies, which hold None then; with the GIL held.
  void clear() const noexcept { const py::object dropped = std::exchange(*object_, py::none()); }

 private:
  std::shared_ptr<py::object> object_;
};

/// One function of a Custom activation: z (rows, cols) -> an array that broadcasts to the same shape.
struct ElementwiseFunction {
  SharedObject callable;
  template <class T>
  void operator()(ConstMatrixView<T> z, MatrixView<T> out) const;
};
/// The function of a Custom loss: (a, y) -> (value, ∂E/∂a).
struct LossFunction {
  SharedObject callable;
  template <class T>
  double operator()(ConstMatrixView<T> a, Targets<T> y, MatrixView<T> grad) const;
};

Activation make_custom_activation(const Function& function, const Function& derivative);
CustomLoss make_custom_loss(const Function& function);

// The callables that these were made of.
const py::object& function_of(const Activation& activation);
const py::object& derivative_of(const Activation& activation);
const py::object& function_of(const CustomLoss& loss);

/// The same activation. A Custom one gets references of its own to its functions, so that the garbage collector can
/// count those of each network and each activation object.
Activation with_own_functions(const Activation& activation);

// For collected(). An activation that is not Custom and a loss that is not Custom hold nothing.
int visit_objects(const Activation& activation, visitproc visit, void* arg);
void clear_objects(const Activation& activation);
int visit_objects(const CustomLoss& loss, visitproc visit, void* arg);
void clear_objects(const CustomLoss& loss);

}  // namespace backpass::python

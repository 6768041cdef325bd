#include "custom.hpp"

#include <algorithm>
#include <cstdint>

#include "access.hpp"
#include "arrays.hpp"

namespace backpass::python {
namespace {

/// Targets in the form that the user passes: labels (B,) or values (B, M_N). A copy, because the function may keep it.
template <class T>
py::object targets_array(const Targets<T>& y) {
  if (!y.are_labels()) {
    return copy_of<T>(y.values(), false);
  }
  py::array_t<std::int64_t> labels(static_cast<py::ssize_t>(y.rows()));
  auto* out = labels.mutable_data();
  for (std::size_t r = 0; r < y.rows(); ++r) {
    out[r] = y.label(r);
  }
  return labels;
}

template <class T>
void copy_rows(ConstMatrixView<T> from, MatrixView<T> to) {
  for (std::size_t r = 0; r < from.rows(); ++r) {
    std::copy_n(from.row(r), from.cols(), to.row(r));
  }
}

/// A number, also from a 0-d array or a NumPy scalar: they have __float__.
double as_number(const py::object& value) {
  const double number = hold_at_exit([&] { return PyFloat_AsDouble(value.ptr()); });
  if (PyErr_Occurred() != nullptr) {
    throw py::error_already_set();
  }
  return number;
}

const SharedObject& shared_function(const Activation& activation) {
  return activation.custom_functions()->function_f64.target<ElementwiseFunction>()->callable;
}
const SharedObject& shared_derivative(const Activation& activation) {
  return activation.custom_functions()->derivative_f64.target<ElementwiseFunction>()->callable;
}
const SharedObject& shared_function(const CustomLoss& loss) {
  return loss.function_f64.target<LossFunction>()->callable;
}

}  // namespace

SharedObject::SharedObject(py::object object)
    : object_(new py::object(std::move(object)), [](py::object* last) {
        // After the interpreter has shut down there is no GIL to take. The object is then freed with the process.
        if (Py_IsInitialized() != 0) {
          const GilHold gil;
          delete last;
        }
      }) {}

template <class T>
void ElementwiseFunction::operator()(ConstMatrixView<T> z, MatrixView<T> out) const {
  const PythonFunction in_python;
  // Pass a copy, because the function may keep its argument.
  py::array result = to_real_array(call_python(callable.get(), py::make_tuple(copy_of<T>(z, false))),
                                   "the result of a Custom activation");
  if (result.ndim() != 2) {
    // A scalar is allowed, for example the derivative lambda z: 1.0.
    result = call_python(py::module_::import("numpy").attr("broadcast_to"),
                         py::make_tuple(result, py::make_tuple(z.rows(), z.cols())));
  }
  copy_rows<T>(to_output_matrix<T>(result, z.rows(), z.cols(), false, "the result of a Custom activation").view, out);
}

template <class T>
double LossFunction::operator()(ConstMatrixView<T> a, Targets<T> y, MatrixView<T> grad) const {
  const PythonFunction in_python;
  const py::object result = call_python(callable.get(), py::make_tuple(copy_of<T>(a, false), targets_array<T>(y)));
  if (!py::isinstance<py::tuple>(result) || py::len(result) != 2) {
    throw py::type_error("the function of a Custom loss must return a tuple (value, gradient)");
  }
  const auto [value, gradient] = result.cast<std::pair<py::object, py::object>>();
  const auto converted = to_output_matrix<T>(gradient, a.rows(), a.cols(), false, "the gradient of a Custom loss");
  copy_rows<T>(converted.view, grad);
  return as_number(value);
}

template <class T>
double MetricFunction::operator()(ConstMatrixView<T> a, Targets<T> y, std::span<const T> sample_weight) const {
  const PythonFunction in_python;
  const py::object weights = sample_weight.empty()
                                 ? py::object(py::none())
                                 : py::array_t<T>(static_cast<py::ssize_t>(sample_weight.size()), sample_weight.data());
  return as_number(call_python(callable.get(), py::make_tuple(targets_array<T>(y), copy_of<T>(a, false), weights)));
}
template double MetricFunction::operator()(ConstMatrixView<float>, Targets<float>, std::span<const float>) const;
template double MetricFunction::operator()(ConstMatrixView<double>, Targets<double>, std::span<const double>) const;

Activation make_custom_activation(const Function& function, const Function& derivative) {
  const ElementwiseFunction f{SharedObject(function)};
  const ElementwiseFunction df{SharedObject(derivative)};
  return Activation::custom(CustomActivation{f, df, f, df});
}

CustomLoss make_custom_loss(const Function& function) {
  const LossFunction f{SharedObject(function)};
  return {f, f};
}

const py::object& function_of(const Activation& activation) { return shared_function(activation).get(); }

const py::object& derivative_of(const Activation& activation) { return shared_derivative(activation).get(); }

const py::object& function_of(const CustomLoss& loss) { return shared_function(loss).get(); }

Activation with_own_functions(const Activation& activation) {
  if (activation.kind() != ActivationKind::custom) {
    return activation;
  }
  return make_custom_activation(py::reinterpret_borrow<Function>(function_of(activation)),
                                py::reinterpret_borrow<Function>(derivative_of(activation)));
}

int visit_objects(const Activation& activation, visitproc visit, void* arg) {
  if (activation.kind() == ActivationKind::custom) {
    Py_VISIT(function_of(activation).ptr());
    Py_VISIT(derivative_of(activation).ptr());
  }
  return 0;
}

void clear_objects(const Activation& activation) {
  if (activation.kind() == ActivationKind::custom) {
    shared_function(activation).clear();
    shared_derivative(activation).clear();
  }
}

int visit_objects(const CustomLoss& loss, visitproc visit, void* arg) {
  Py_VISIT(function_of(loss).ptr());
  return 0;
}

void clear_objects(const CustomLoss& loss) { shared_function(loss).clear(); }

}  // namespace backpass::python

/// backpass.losses.
#include <backpass/loss.hpp>

#include "arrays.hpp"
#include "collected.hpp"
#include "custom.hpp"
#include "objects.hpp"
#include "record.hpp"

namespace backpass::python {

template <>
NamedValues named_values(const CustomLoss& loss) {
  return {{"function", function_of(loss)}};
}

template <class V>
using LossOf = ObjectOf<LossObject, V>;

static int visit_objects(const LossOf<CustomLoss>& loss, visitproc visit, void* arg) {
  return visit_objects(loss.get(), visit, arg);
}
static void clear_objects(const LossOf<CustomLoss>& loss) { clear_objects(loss.get()); }

namespace {

constexpr const char* kCallDoc = R"(Return the loss and its gradient.

Parameters
----------
a : array_like of real numbers
    Outputs of shape (B, M), or (M,) for one sample.
y : array_like
    Targets with the shape of a, or (B,) if M is 1. The cross-entropies also accept (B,) integer labels.
sample_weight : array_like, optional
    w of shape (B,). The loss is Σ_b w_b ℓ_b / Σ_b w_b.

Returns
-------
value : float
grad : ndarray
    ∂E/∂a with the shape of a; float32 if a is float32, otherwise float64.

Raises
------
ValueError
    If shapes do not match, a label is outside [0, M), or there are no rows.
TypeError
    If an array does not have a real dtype, or labels are not integers.

Examples
--------
>>> import backpass as bp
>>> value, grad = bp.losses.MeanSquaredError()([[1.0, 2.0]], [[1.0, 4.0]])
>>> value
2.0
>>> grad
array([[ 0., -2.]])
)";

/// Cost estimate of one output in multiply-adds.
constexpr double kOperations = 16.0;

template <class T>
ValueAndGradient call(const Loss& loss, const py::array& a, const py::object& y, const py::object& sample_weight) {
  const std::size_t cols = a.ndim() == 0 ? 1 : static_cast<std::size_t>(a.shape(a.ndim() - 1));
  const MatrixInput<T> outputs = to_matrix<T>(a, cols, "a");
  const std::size_t rows = outputs.view.rows();
  const TargetsInput<T> targets = to_targets<T>(y, rows, cols, outputs.single, label_rule(loss));
  const WeightsInput<T> weights = to_weights<T>(sample_weight, rows, outputs.single);
  auto grad = new_array<T>(rows, cols, outputs.single);
  const MatrixView<T> out = view_of<T>(grad, rows, cols);
  const double value = without_gil(kOperations * static_cast<double>(rows * cols), [&] {
    return evaluate_loss<T>(loss, outputs.view, targets.view, out, weights.view);
  });
  return ValueAndGradient(py::make_tuple(value, grad));
}

const char* domain_text(TargetDomain domain) noexcept {
  switch (domain) {
    case TargetDomain::non_negative:
      return "non_negative";
    case TargetDomain::unit_interval:
      return "unit_interval";
    case TargetDomain::distribution:
      return "distribution";
    default:
      return "real";
  }
}

void register_loss_base(py::module_& m) {
  py::class_<LossObject> cls(m, "Loss", "A loss E(a^N) with its gradient: the base class of backpass.losses.");
  def_repr(cls);
  def_value_methods(cls);
  cls.def_property_readonly(
         "name", [](const LossObject& self) { return std::string(loss_name(self.value)); },
         "str : the name. As an argument, it means this loss with its default parameters.")
      .def_property_readonly(
          "output", [](const LossObject& self) { return std::string(activation_name(loss_traits(self.value).output)); },
          "str : name of the output activation for which this loss is meant.")
      .def_property_readonly(
          "targets", [](const LossObject& self) { return std::string(domain_text(loss_traits(self.value).targets)); },
          "str : values of the targets: \"real\", \"non_negative\", \"unit_interval\" (0 to 1), or \"distribution\" "
          "(over the outputs of a sample, or a class label).")
      .def(
          "__call__",
          [](const LossObject& self, const ArrayLike& a, const ArrayLike& y, const OptionalArrayLike& sample_weight) {
            const py::array array = to_real_array(a, "a");
            return is_float32(array) ? call<float>(self.value, array, y, sample_weight)
                                     : call<double>(self.value, array, y, sample_weight);
          },
          py::arg("a"), py::arg("y"), py::kw_only(), py::arg("sample_weight") = py::none(), kCallDoc);
}

template <class V>
void register_one_loss(py::module_& m, const char* class_name) {
  py::class_<LossOf<V>, LossObject> cls(m, class_name, class_doc<V>(m, class_name).c_str());
  def_init(cls);
  def_properties(cls);
}

void register_custom_loss(py::module_& m) {
  using Custom = LossOf<CustomLoss>;
  py::class_<Custom, LossObject>(m, "Custom", collected<Custom>(), R"(A user-defined loss.

It does not accept `sample_weight`; apply weights inside the function.

Parameters
----------
function : callable
    ``function(a, y) -> (value, dE_da)`` on NumPy arrays. a is (B, M) and has the network's dtype. y is (B, M), or (B,)
    if integer labels were passed. value is the mean loss over the batch, a number. dE_da is its gradient (B, M).

Examples
--------
>>> import numpy as np
>>> import backpass as bp
>>> def quartic(a, y):
...     d = a - y
...     return np.mean(d**4), 4 * d**3 / d.size
>>> loss = bp.losses.Custom(quartic)
>>> loss([[3.0]], [[1.0]])
(16.0, array([[32.]]))
)")
      .def(py::init([](const Function& function) { return Custom(make_custom_loss(function)); }), py::arg("function"))
      .def_property_readonly("function", [](const Custom& self) { return Function(function_of(self.get())); });
}

py::object from_loss(const Loss& loss) {
  return std::visit([]<class V>(const V& v) { return py::cast(LossOf<V>(v)); }, loss);
}

}  // namespace

LabelRule label_rule(const Loss& loss) noexcept {
  if (std::holds_alternative<CustomLoss>(loss)) {
    return LabelRule::integer;
  }
  return loss_traits(loss).takes_labels() ? LabelRule::always : LabelRule::never;
}

void register_loss(py::module_& m) {
  register_loss_base(m);
#define BACKPASS_REGISTER(name, Class, ...) register_one_loss<Class>(m, #Class);
  BACKPASS_LOSSES(BACKPASS_REGISTER)
#undef BACKPASS_REGISTER
  register_custom_loss(m);
  m.def(
      "get", [](const std::string& name) { return LossResult(from_loss(loss_from_name(name))); }, py::arg("name"),
      R"(Return the loss with this name and its default parameters.

Raises
------
ValueError
    If the name is unknown. The message lists the known names.
)");
  m.def("names", &loss_names, "Return the names of all losses.");
}

}  // namespace backpass::python

/// Types for arguments that may have several Python types. In C++ they are plain py::object. Signatures and stubs show
/// the annotation.
#pragma once

#include "bindings.hpp"

// NOLINTBEGIN(bugprone-macro-parentheses): a class name cannot be in parentheses
#define BACKPASS_ANNOTATED(Name, annotation)                          \
  namespace backpass::python {                                        \
  class Name : public py::object {                                    \
   public:                                                            \
    PYBIND11_OBJECT_DEFAULT(Name, object, accept)                     \
   private:                                                           \
    static bool accept(PyObject* /*any*/) noexcept { return true; }   \
  };                                                                  \
  }                                                                   \
  template <>                                                         \
  struct pybind11::detail::handle_type_name<backpass::python::Name> { \
    static constexpr auto name = const_name(annotation);              \
  };

// NOLINTEND(bugprone-macro-parentheses)

BACKPASS_ANNOTATED(ArrayLike, "numpy.typing.ArrayLike")
BACKPASS_ANNOTATED(OptionalArrayLike, "numpy.typing.ArrayLike | None")
BACKPASS_ANNOTATED(OptionalArray, "numpy.typing.NDArray[typing.Any] | None")
// None only for a layer without bias. The annotation is Any, so that type checkers do not require a check for None.
BACKPASS_ANNOTATED(ArrayOrNone, "numpy.typing.NDArray[typing.Any] | typing.Any")
BACKPASS_ANNOTATED(Array, "numpy.typing.NDArray[typing.Any]")
BACKPASS_ANNOTATED(NetworkSequence, "collections.abc.Sequence[backpass._core.Network]")
BACKPASS_ANNOTATED(DTypeLike, "numpy.typing.DTypeLike")
BACKPASS_ANNOTATED(DType, "numpy.dtype[typing.Any]")
BACKPASS_ANNOTATED(Sizes, "collections.abc.Iterable[int]")
BACKPASS_ANNOTATED(ActivationLike, "backpass._core.activations.Activation | str")
BACKPASS_ANNOTATED(ActivationsLike,
                   "backpass._core.activations.Activation | str | "
                   "collections.abc.Sequence[backpass._core.activations.Activation | str]")
BACKPASS_ANNOTATED(OptionalActivationLike, "backpass._core.activations.Activation | str | None")
BACKPASS_ANNOTATED(InitializersLike,
                   "backpass._core.initializers.Initializer | str | "
                   "collections.abc.Sequence[backpass._core.initializers.Initializer | str]")
BACKPASS_ANNOTATED(FlagsLike, "bool | collections.abc.Sequence[bool]")
BACKPASS_ANNOTATED(RatesLike, "float | collections.abc.Sequence[float]")
BACKPASS_ANNOTATED(OptionalInt, "int | None")
BACKPASS_ANNOTATED(SeedLike, "int | numpy.random.SeedSequence | numpy.random.Generator | None")
BACKPASS_ANNOTATED(OptionalFloat, "float | None")
BACKPASS_ANNOTATED(LossLike, "backpass._core.losses.Loss | str")
BACKPASS_ANNOTATED(OptimizerLike, "backpass._core.optim.Optimizer")
BACKPASS_ANNOTATED(OptionalOptimizer, "backpass._core.optim.Optimizer | None")
BACKPASS_ANNOTATED(OptionalSchedule, "backpass._core.schedules.Schedule | None")
BACKPASS_ANNOTATED(Self, "typing_extensions.Self")
BACKPASS_ANNOTATED(ActivationResult, "backpass._core.activations.Activation")
BACKPASS_ANNOTATED(LossResult, "backpass._core.losses.Loss")
BACKPASS_ANNOTATED(OptimizerResult, "backpass._core.optim.Optimizer")
BACKPASS_ANNOTATED(ScheduleResult, "backpass._core.schedules.Schedule")
BACKPASS_ANNOTATED(LossAndGradient, "float | tuple[float, numpy.typing.NDArray[typing.Any]]")
BACKPASS_ANNOTATED(ValueAndGradient, "tuple[float, numpy.typing.NDArray[typing.Any]]")
BACKPASS_ANNOTATED(Path, "str | os.PathLike[str]")
BACKPASS_ANNOTATED(StringDict, "dict[str, typing.Any]")
BACKPASS_ANNOTATED(AnyTuple, "tuple[typing.Any, ...]")
BACKPASS_ANNOTATED(SizesTuple, "tuple[int, ...]")
BACKPASS_ANNOTATED(OptionalStrings, "dict[str, str] | None")

namespace backpass::python {
/// Any callable.
using Function = py::typing::Callable<py::object(py::ellipsis)>;
}  // namespace backpass::python

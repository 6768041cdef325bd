"""Objects whose __init__ has not run or has failed: every use is an error, and none crashes."""

import json
from types import ModuleType

import pytest

import backpass as bp
from backpass import _core
from network_pair import run_python

_MODULES = (_core, *(value for value in vars(_core).values() if isinstance(value, ModuleType)))
CLASSES = sorted(
    f"{module.__name__}.{name}"
    for module in _MODULES
    for name, value in vars(module).items()
    if isinstance(value, type) and name[0] != "_"
)

# For every class, the program reads and sets each attribute, calls each method, and passes the
# object to every function that accepts the class. It prints the outcomes by class and action.
_PROBE = """
import copy, faulthandler, json, pickle
from types import ModuleType
import numpy as np
import backpass as bp
from backpass import _core

faulthandler.enable()
x, y = np.ones((2, 3)), np.ones((2, 1))
net, sgd = bp.Network([3, 1], seed=0), bp.optim.SGD()
fit = {"loss": "mse", "optimizer": sgd, "epochs": 1, "progress": False}
ARGUMENTS = {
    "_gradient_check": (x, y, "mse"), "_evaluate_and_predict": (x, y, "mse", None),
    "with_length": (10,),
    "__call__": (x,), "__deepcopy__": ({},), "__getitem__": (0,), "__reduce_ex__": (0,),
    "astype": ("float64",), "backward": (y,), "evaluate": (x, y, {"loss": "mse"}),
    "fit": (x, y, fit), "forward": (x,), "loss_and_gradient": (x, y, {"loss": "mse"}),
    "lr": (0.1,), "observe": (0.1, 1.0), "predict": (x,), "save": ("no file",), "step": (sgd,),
    "train_step": (x, y, {"loss": "mse", "optimizer": sgd}),
}
USES_NOTHING = {"__init__", "__new__", "__setstate__", "_fit", "_pybind11_conduit_v1_"}
TAKERS = {
    _core.activations.Activation: {
        "activation=": lambda half: bp.Network([3, 1], half),
        "activation=[]": lambda half: bp.Network([3, 1], [half]),
    },
    _core.initializers.Initializer: {"init=": lambda half: bp.Network([3, 1], init=half)},
    _core.losses.Loss: {
        "loss=": lambda half: net.evaluate(x, y, loss=half),
        "fit loss=": lambda half: net.fit(x, y, **{**fit, "loss": half}),
    },
    _core.optim.Optimizer: {
        "optimizer=": lambda half: net.train_step(x, y, loss="mse", optimizer=half),
        "fit optimizer=": lambda half: net.fit(x, y, **{**fit, "optimizer": half}),
        "step()": lambda half: net.step(half),
        "save optimizer=": lambda half: net.save("no file", optimizer=half),
    },
    _core.schedules.Schedule: {
        "schedule=": lambda half: net.fit(x, y, **fit, schedule=half),
        "then=": lambda half: bp.schedules.LinearWarmup(3, then=half),
        "save schedule=": lambda half: net.save("no file", schedule=half),
    },
}


def call(half, name, class_):
    arguments = ARGUMENTS.get(name, ())
    if name == "__eq__":
        arguments = (class_.__new__(class_),)
    if name == "__call__" and issubclass(class_, _core.losses.Loss):
        arguments = (x, y)
    options = arguments[-1] if len(arguments) > 1 and type(arguments[-1]) is dict else {}
    return getattr(half, name)(*(arguments[:-1] if options else arguments), **options)


def actions(class_):
    own = {n for c in class_.__mro__ for n in vars(c) if c.__module__.startswith("backpass")}
    for name in own - USES_NOTHING:
        value = getattr(class_, name)
        if callable(value):
            yield name, lambda half, name=name: call(half, name, class_)
        elif isinstance(value, property):
            yield name, lambda half, name=name: getattr(half, name)
            if value.fset is not None:
                new = getattr(sgd, name, 1)
                yield name + " =", lambda half, name=name, new=new: setattr(half, name, new)
    yield "copy", copy.copy
    yield "deepcopy", copy.deepcopy
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        yield f"pickle {protocol}", lambda half, protocol=protocol: pickle.dumps(half, protocol)
    for base, takers in TAKERS.items():
        if issubclass(class_, base):
            yield from takers.items()


classes = {"bp.Network": bp.Network}
for module in (_core, *(value for value in vars(_core).values() if isinstance(value, ModuleType))):
    for name, value in vars(module).items():
        if isinstance(value, type) and not name.startswith("_"):
            classes[f"{module.__name__}.{name}"] = value
outcomes = {}
for name, class_ in classes.items():
    outcomes[name] = {}
    for action, act in actions(class_):
        try:
            outcomes[name][action] = f"returned {act(class_.__new__(class_))!r}"
        except Exception as error:
            outcomes[name][action] = f"{type(error).__name__}: {error}"
print(json.dumps(outcomes))
"""


@pytest.fixture(scope="module")
def outcomes() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(run_python(_PROBE))
    return found


@pytest.mark.parametrize("class_name", [*CLASSES, "bp.Network"])
def test_every_use_is_an_error(outcomes, class_name):
    assert {"copy", "pickle 0", "pickle 5"} <= set(outcomes[class_name])
    for action, outcome in outcomes[class_name].items():
        refused = outcome.startswith("RuntimeError: ") and "__init__ has not run" in outcome
        unpicklable = outcome.startswith("TypeError: cannot pickle")
        pickling = action.startswith(("copy", "deepcopy", "pickle", "__reduce"))
        assert refused or (unpicklable and pickling), f"{class_name} {action}: {outcome}"


def test_the_uses_are_those_of_the_classes(outcomes):
    assert {"sizes", "parameters", "parameters =", "fit", "save"} <= set(outcomes["bp.Network"])
    adam = outcomes["backpass._core.optim.Adam"]
    assert {"__repr__", "lr", "lr =", "state", "reset", "step()"} <= set(adam)
    assert {"__len__", "__getitem__", "__iter__"} <= set(outcomes["backpass._core.Layers"])


class Failing(bp.Network):
    """A network whose constructor uses it too early, or fails."""

    def __init__(self, sizes, *, early=()):
        for name in early:
            getattr(self, name)
        self.shown = None
        try:
            super().__init__(sizes)
        finally:
            self.shown = attempt_repr(self)


def attempt_repr(value: object) -> str:
    try:
        return repr(value)
    except RuntimeError as error:
        return str(error)


def test_a_constructor_that_fails_leaves_nothing_that_crashes():
    half = Failing.__new__(Failing)
    with pytest.raises(ValueError, match="got 1"):
        half.__init__([3])
    assert "__init__ has not run" in half.shown
    with pytest.raises(RuntimeError, match="__init__ has not run"):
        Failing([3, 2], early=["sizes"])
    # After a complete __init__ it is a normal network.
    half.__init__([3, 2])
    assert half.sizes == (3, 2)
    assert half.shown == "Failing([3, 2], output='identity', dtype='float32')"


def test_a_class_made_in_two_steps_works():
    adam = bp.optim.Adam.__new__(bp.optim.Adam)
    with pytest.raises(RuntimeError, match="__init__ has not run"):
        repr(adam)
    adam.__init__(lr=0.5)
    assert adam.lr == 0.5

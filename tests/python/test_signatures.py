"""Signatures of everything public, and errors for arguments that do not fit."""

import inspect
import pickle
from types import ModuleType

import numpy as np
import pytest

import backpass as bp
from backpass import _signatures

BaseEstimator = pytest.importorskip("sklearn.base").BaseEstimator
MODULES = (
    bp,
    bp.runtime,
    bp.tabular,
    *(getattr(bp, name) for name in bp.__all__ if isinstance(getattr(bp, name), ModuleType)),
)


def public():
    """Yield (name, callable) for every public function, class and method."""
    for module in MODULES:
        for name in module.__all__:
            value = getattr(module, name)
            if not callable(value):
                continue
            yield f"{module.__name__}.{name}", value
            # The methods of an estimator are those of scikit-learn, also their errors.
            own_class = isinstance(value, type) and not issubclass(value, BaseEstimator)
            if own_class and value.__module__.startswith("backpass"):
                for attribute in dir(value):
                    method = getattr(value, attribute)
                    own = not attribute.startswith("_") and callable(method)
                    own = own and not hasattr(BaseException, attribute)
                    if own and not hasattr(dict, attribute) and not hasattr(tuple, attribute):
                        yield f"{module.__name__}.{name}.{attribute}", method


PUBLIC = dict(public())
BASES = (
    bp.activations.Activation,
    bp.initializers.Initializer,
    bp.losses.Loss,
    bp.optim.Optimizer,
    bp.schedules.Schedule,
)


def test_finds_the_public_names():
    for name in ("backpass.Network.fit", "backpass.optim.Adam", "backpass.schedules.Step.lr"):
        assert name in PUBLIC
    assert len(PUBLIC) > 120


@pytest.mark.parametrize("name", PUBLIC)
def test_has_a_signature(name):
    signature = inspect.signature(PUBLIC[name])
    assert not any(
        p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in signature.parameters.values()
    )


@pytest.mark.parametrize("name", [n for n in PUBLIC if not n.endswith("callbacks.Callback")])
def test_an_unknown_keyword_is_named(name):
    function = PUBLIC[name]
    signature = inspect.signature(function)
    needed = [
        bp.Network([2, 3], seed=0) if p.name == "self" else None
        for p in signature.parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.POSITIONAL_ONLY)
    ]
    if function in BASES or inspect.isabstract(function):
        pytest.skip("not to be called")
    with pytest.raises(TypeError, match="unexpected keyword argument 'unknown_name'") as error:
        function(*needed, unknown_name=1)
    assert "Invoked with" not in str(error.value)


NET = bp.Network([2, 3], seed=0)
X, Y = np.ones((4, 2)), np.ones((4, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bp.optim.Adam(learning_rate=1), "'learning_rate' (did you mean 'lr'?"),
        (lambda: bp.optim.SGD(momentun=1), "'momentun' (did you mean 'momentum'?"),
        (lambda: bp.Network([2, 3], activaton="relu"), "did you mean 'activation'?"),
        (lambda: bp.Network([2, 3], random_state=1), "did you mean 'seed'?"),
        (lambda: NET.fit(X, Y, loss="mse", optimizer="sgd", epoch=1), "did you mean 'epochs'?"),
        (
            lambda: NET.predict(X, outs=1),
            "predict() got an unexpected keyword argument 'outs' (did",
        ),
        (lambda: NET.train_step(X, Y, los="mse", optimizer=1), "did you mean 'loss'?"),
        (lambda: NET.initialize(sed=1), "did you mean 'seed'?"),
        (lambda: bp.callbacks.EarlyStopping(patiance=1), "did you mean 'patience'?"),
        (lambda: bp.schedules.Cosine(zzz=1), "'zzz'; there are: period, min_lr"),
        (lambda: NET.train_step(X, Y, loss="mse"), "missing a required argument: 'optimizer'"),
        (lambda: NET.copy(1), "copy() got wrong arguments: too many positional arguments"),
        (lambda: bp.optim.Adam(lr="fast"), "does not take these types: lr is a str"),
        (lambda: bp.losses.Huber(delta=bp.Network), "delta is the class Network"),
    ],
)
def test_messages(call, message):
    with pytest.raises(TypeError) as error:
        call()
    assert message in str(error.value)
    assert "Invoked with" not in str(error.value)
    assert len(str(error.value)) < 400


def test_errors_of_the_users_functions_pass_through():
    def loss(a, y):
        raise TypeError("mine: incompatible with me")

    with pytest.raises(TypeError, match=r"^mine: incompatible with me$"):
        NET.copy().loss_and_gradient(X, Y, loss=bp.losses.Custom(loss))


def test_defaults_are_those_of_the_functions():
    defaults = {p.name: p.default for p in inspect.signature(bp.optim.Adam).parameters.values()}
    adam = bp.optim.Adam()
    assert defaults == {name: getattr(adam, name) for name in defaults}
    assert (
        str(inspect.signature(bp.Network.predict)) == "(self, /, x, *, out=None, num_threads=None)"
    )
    assert str(inspect.signature(NET.predict)) == "(x, *, out=None, num_threads=None)"


def test_reads_signatures_from_docstrings():
    def native():
        """native(self: A, b: dict[str, int] = {'a': 1, ')': (2,)}, /, *, c: B = <x>, **d: E) -> F

        Text.
        """

    shown = str(_signatures.signature_of(native))
    assert shown == "(self, b={'a': 1, ')': (2,)}, /, *, c=<x>, **d)"
    assert _signatures.signature_of(len) is None

    def variadic():
        """variadic(*args, b: int = 1) -> None"""

    assert str(_signatures.signature_of(variadic)) == "(*args, b=1)"
    assert _signatures.signature_of(lambda: None) is None


@pytest.mark.parametrize("base", BASES)
def test_bases_have_no_objects(base):
    with pytest.raises(TypeError, match=f"^{base.__name__} is a base class: .* derived class"):
        base()


def test_other_errors_are_explained_by_their_text():
    error = TypeError("the network is too deep")
    assert _signatures.explain(error, bp.Network.copy, "copy", (), {}) == str(error)


@pytest.mark.parametrize("name", [n for n, value in PUBLIC.items() if n.count(".") < 3])
def test_public_functions_and_classes_can_be_pickled(name):
    value = PUBLIC[name]
    assert pickle.loads(pickle.dumps(value)) == value  # a class method is a new object each time


def test_errors_of_slow_calls_pass_through():
    def loss(a, y):
        raise TypeError("mine: incompatible with me")

    custom = bp.losses.Custom(loss)
    for call in (
        lambda: NET.evaluate(X, Y, loss=custom),
        lambda: NET.copy().loss_and_gradient(X, Y, loss=custom, input_gradient=np.True_),
    ):
        with pytest.raises(TypeError, match=r"^mine: incompatible with me$"):
            call()

"""Every way to write a call of the methods that parse their arguments without pybind11."""

import gc
import inspect
import sys

import numpy as np
import pytest

import backpass as bp

X = np.arange(6.0).reshape(2, 3) / 10
Y = np.ones((2, 1))


@pytest.fixture
def net() -> bp.Network:
    return bp.Network([3, 4, 1], "tanh", dtype="float64", seed=0)


def not_interned(name: str) -> str:
    """Return an equal string that is another object, like a name read from a file."""
    return "".join(list(name))


def test_arguments_by_name(net):
    expected = net.predict(X)
    out = np.empty_like(expected)
    assert np.array_equal(net.predict(x=X), expected)
    assert net.predict(X, out=out) is out
    assert net.predict(x=X, **{not_interned("out"): out, "num_threads": 1}) is out
    assert np.array_equal(out, expected)
    value = net.loss_and_gradient(X, Y, loss="mse")
    assert net.loss_and_gradient(y=Y, x=X, loss="mse", sample_weight=None) == value
    both = net.loss_and_gradient(X, Y, input_gradient=True, **{not_interned("loss"): "mse"})
    assert both[0] == value
    assert net.loss_and_gradient(X, Y, loss="mse", input_gradient=np.True_)[0] == value
    assert np.array_equal(net.forward(x=X, training=True), net.forward(X))
    assert net.backward(Y, accumulate=False, input_gradient=False) is None
    assert net.step(optimizer=bp.optim.SGD(lr=0.0)) is None


MISSING = "missing a required argument: "


@pytest.mark.parametrize(
    ("method", "arguments", "names", "message"),
    [
        ("predict", (), {}, MISSING + "'x'"),
        ("predict", (X, None), {}, "too many positional arguments"),
        ("predict", (X,), {"x": X}, "multiple values for argument 'x'"),
        ("predict", (X,), {"threads": 1}, "'threads' (did you mean 'num_threads'"),
        ("train_step", (X, Y), {"loss": "mse"}, MISSING + "'optimizer'"),
        ("train_step", (X, Y, "mse"), {"optimizer": bp.optim.SGD(lr=0.1)}, "too many positional"),
        ("loss_and_gradient", (X, Y), {}, MISSING + "'loss'"),
        (
            "loss_and_gradient",
            (X, Y),
            {"loss": "mse", "input_gradient": "no"},
            (
                "(x, y, *, loss, sample_weight=None, input_gradient=False, shards=None) does not "
                "take these types: x is a ndarray, y is a ndarray, loss is a str, "
                "input_gradient is a str"
            ),
        ),
        ("backward", (Y,), {"accumulate": "no"}, "accumulate is a str"),
        ("step", (), {}, MISSING + "'optimizer'"),
        ("step", (bp.optim.SGD(lr=0.1), 1), {}, "too many positional arguments"),
    ],
)
def test_wrong_calls_are_type_errors_that_name_the_argument(net, method, arguments, names, message):
    net.forward(X)
    before = net.parameters.copy()
    with pytest.raises(TypeError) as error:
        getattr(net, method)(*arguments, **names)
    assert str(error.value).startswith(f"{method}(")
    assert message in str(error.value)
    assert np.array_equal(net.parameters, before)


def test_bound_and_unbound(net):
    predict = net.predict
    assert np.array_equal(predict(X), bp.Network.predict(net, X))
    with pytest.raises(TypeError):
        bp.Network.predict(3, X)
    with pytest.raises(TypeError):
        bp.Network.predict()


@pytest.mark.parametrize(
    "name", ["predict", "train_step", "loss_and_gradient", "forward", "backward", "step"]
)
def test_documentation_is_that_of_any_method(name):
    method = getattr(bp.Network, name)
    assert method.__name__ == name
    assert inspect.getdoc(method).startswith(f"{name}(self: ")


def test_errors_are_those_of_the_core(net):
    with pytest.raises(ValueError, match="x"):
        net.predict(np.ones((2, 4)))
    with pytest.raises(RuntimeError, match="forward"):
        bp.Network([2, 1], seed=0).backward(np.ones((1, 1)))


def test_references_are_released(net):
    out = np.empty((2, 1))
    sgd = bp.optim.SGD(lr=0.0)
    gc.collect()
    counts = [sys.getrefcount(o) for o in (X, Y, out, sgd, None)]
    for _ in range(200):
        net.predict(X, out=out)
        net.train_step(X, Y, loss="mse", optimizer=sgd)
        with pytest.raises(TypeError):
            net.predict(X, threads=1)
    gc.collect()
    after = [sys.getrefcount(o) for o in (X, Y, out, sgd, None)]
    assert all(abs(a - b) < 50 for a, b in zip(after, counts, strict=True))


def test_flags_and_numbers_of_other_types_are_taken():
    """Fast calls take Python's own bool and float only. Other calls take a slower way."""
    results = []
    for true, false, number in ((True, False, float), (np.True_, np.False_, int)):
        net, sgd = bp.Network([3, 4, 1], dropout=0.5, seed=0), bp.optim.SGD()
        a = net.forward(X, training=true)
        first = net.backward(Y, input_gradient=true, accumulate=false)
        second = net.backward(Y, input_gradient=false, accumulate=true)
        net.step(sgd, l1=number(1), l2=0.0)
        net.step(sgd, l1=0.0, l2=number(2))
        value, grad = net.loss_and_gradient(X, Y, loss="mse", input_gradient=true)
        results.append([a, first, net.parameters.copy(), np.array(value), grad])
        assert second is None
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)

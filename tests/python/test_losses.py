"""Losses called on arrays, and the closed-form pairs at the ends of the number range."""

import numpy as np
import pytest

import backpass as bp
from network_pair import loss_object
from reference import losses
from reference.activations import sigmoid, softmax
from reference.tolerances import assert_within, loss_gradient_bound, loss_value_bound

PARAMETERS = [(name, {}) for name in losses.LOSSES] + [
    ("huber", {"delta": 0.3}),
    ("quantile", {"q": 0.9}),
    ("cross_entropy", {"label_smoothing": 0.2}),
    ("softmax_cross_entropy", {"label_smoothing": 1.0}),
]
PROBABILITIES = ("cross_entropy", "binary_cross_entropy", "poisson")
with_parameters = pytest.mark.parametrize(
    ("name", "parameters"), PARAMETERS, ids=[f"{n}{list(p.values()) or ''}" for n, p in PARAMETERS]
)


def outputs_for(name: str, rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    if name in PROBABILITIES:
        return softmax(rng.normal(size=(rows, columns)))
    return 2 * rng.normal(size=(rows, columns))


def compare(actual, name, a, t, dtype, weight=None, **parameters):
    value, grad = actual
    loss, kind = losses.LOSSES[name], np.dtype(dtype).type
    a64, zero = a.astype(np.float64), np.zeros(a.shape)
    bound = loss_value_bound(loss, a64, zero, t, weight, kind, **parameters)
    assert isinstance(value, float)
    assert_within(
        np.array(value), np.array(loss.value(a64, t, weight, **parameters)), np.array(bound), "E"
    )
    bound = loss_gradient_bound(loss, a64, zero, t, weight, kind, **parameters)
    # softmax and sigmoid inside a loss round relative to 1, also for small results.
    size = (
        np.finfo(kind).eps
        * 8
        * np.abs(loss.gradient(a64, t, weight, **parameters)).max(axis=1, keepdims=True)
    )
    assert_within(grad, loss.gradient(a64, t, weight, **parameters), bound + size, "∂E/∂a")


@with_parameters
@pytest.mark.parametrize("columns", [1, 2, 5, 16, 37])
def test_value_and_gradient(name, parameters, columns, dtype):
    if columns == 1 and name == "binary_cross_entropy":
        columns = 3  # softmax of one output is 1, with an infinite cost
    rng = np.random.default_rng(columns)
    a = outputs_for(name, 23, columns, rng).astype(dtype)
    y = losses.targets_for(name, 23, columns, rng).astype(dtype)
    actual = loss_object(name, **parameters)(a, y)
    assert actual[1].dtype == dtype
    compare(actual, name, a, y.astype(np.float64), dtype, **parameters)


@pytest.mark.parametrize(
    ("name", "parameters"), [p for p in PARAMETERS if losses.LOSSES[p[0]].takes_labels], ids=str
)
@pytest.mark.parametrize("label_type", ["int32", "int64", "uint8"])
def test_labels(name, parameters, label_type, dtype):
    rng = np.random.default_rng(1)
    a = outputs_for(name, 30, 7, rng).astype(dtype)
    labels = rng.integers(0, 7, 30).astype(label_type)
    actual = loss_object(name, **parameters)(a, labels)
    compare(actual, name, a, losses.one_hot(labels, 7), dtype, **parameters)


@pytest.mark.parametrize("label", [-1, 4, 2**40])
@pytest.mark.parametrize("name", ["cross_entropy", "softmax_cross_entropy"])
def test_a_label_outside_the_classes_is_refused_and_changes_nothing(name, label):
    net = bp.Network([3, 4], output="softmax" if name == "cross_entropy" else "identity", seed=0)
    before = net.parameters.copy()
    labels = np.array([0, label, 1])
    with pytest.raises(ValueError, match=str(label)):
        net.train_step(np.ones((3, 3)), labels, loss=name, optimizer=bp.optim.SGD(lr=0.1))
    np.testing.assert_array_equal(net.parameters, before)
    with pytest.raises(ValueError, match=str(label)):
        loss_object(name)(np.full((3, 4), 0.25), labels)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("huber", {"delta": 0.0}),
        ("huber", {"delta": -1.0}),
        ("quantile", {"q": 0.0}),
        ("quantile", {"q": 1.0}),
        ("cross_entropy", {"label_smoothing": -0.1}),
        ("softmax_cross_entropy", {"label_smoothing": 1.1}),
        ("huber", {"delta": float("nan")}),
    ],
    ids=str,
)
def test_parameters_out_of_range_are_refused(name, parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        loss_object(name, **parameters)(np.full((2, 2), 0.5), np.full((2, 2), 0.5))


def test_shapes_that_differ_are_stated():
    with pytest.raises(ValueError, match=r"\(3, 2\).*\(3, 4\)|\(3, 4\).*\(3, 2\)"):
        bp.losses.MeanSquaredError()(np.ones((3, 2)), np.ones((3, 4)))


def test_unknown_names_list_the_known_ones():
    net = bp.Network([2, 1], seed=0)
    with pytest.raises(ValueError, match=r"msse.*mse.*poisson"):
        net.evaluate(np.ones((1, 2)), np.ones((1, 1)), loss="msse")


def test_every_name_is_its_class(dtype):
    rng = np.random.default_rng(3)
    for name in bp.losses.names():
        output = losses.DOMAINS[name][0]
        net = bp.Network([4, 6, 3], output=output, dtype=dtype, seed=1)
        x = rng.normal(size=(9, 4)).astype(dtype)
        y = losses.targets_for(name, 9, 3, rng).astype(dtype)
        assert net.evaluate(x, y, loss=name) == net.evaluate(x, y, loss=loss_object(name))


def net_of_logits(output: str, columns: int, dtype: str) -> bp.Network:
    """One layer with z equal to its input."""
    net = bp.Network([columns, columns], output=output, bias=False, dtype=dtype, seed=0)
    net.layers[0].weight[...] = np.eye(columns)
    return net


# (output, loss): the pairs whose ξ^N is computed from z^N.
PAIRS = [
    ("identity", "softmax_cross_entropy"),
    ("softmax", "cross_entropy"),
    ("log_softmax", "cross_entropy"),
    ("identity", "sigmoid_cross_entropy"),
    ("sigmoid", "binary_cross_entropy"),
    ("softplus", "poisson"),
]


@pytest.mark.parametrize(("output", "loss"), PAIRS)
@pytest.mark.parametrize(
    ("dtype", "exponent"),
    [("float32", e) for e in (2, 4, 10, 30)] + [("float64", e) for e in (2, 4, 10, 30, 100, 300)],
)
def test_closed_forms_stay_finite_at_any_size(output, loss, exponent, dtype):
    """|z| up to 1e30 in float32 and 1e300 in float64: E and ξ^N are finite and right."""
    big = 10.0**exponent
    # One column that softmax selects and one that it does not. The elementwise losses get both
    # signs with both targets.
    rows = [[big, -big], [-big, big], [big, big], [-big, -big], [0.0, big], [-big, 0.0]]
    z = np.array(rows, dtype=dtype)
    y = np.tile(np.array([[1.0, 0.0]], dtype=dtype), (6, 1))
    net = net_of_logits(output, 2, dtype)
    value, input_grad = net.loss_and_gradient(z, y, loss=loss, input_gradient=True)
    z64, y64 = z.astype(np.float64), y.astype(np.float64)
    if loss.endswith("cross_entropy") and ("softmax" in loss or "softmax" in output):
        expected = (softmax(z64) - y64) / 6
        shifted = z64 - z64.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        total = -(y64 * log_p).sum(axis=1).mean()
    elif loss in ("sigmoid_cross_entropy", "binary_cross_entropy"):
        expected = (sigmoid(z64) - y64) / 12
        terms = np.maximum(z64, 0) - z64 * y64 + np.log1p(np.exp(-np.abs(z64)))
        total = (terms / 12).sum()
    else:
        # a − y log a with a = softplus(z): log a → z for z → −∞; ∂/∂z = σ(z) (1 − y / a) → σ(z) − y
        # for z → −∞
        a = np.maximum(z64, 0) + np.log1p(np.exp(-np.abs(z64)))
        with np.errstate(divide="ignore", invalid="ignore"):
            log_a = np.where(z64 < -40, z64, np.log(a))
            ratio = np.where(z64 < -40, 1.0, sigmoid(z64) / a)
        expected = (sigmoid(z64) - y64 * ratio) / 12
        total = ((a - y64 * log_a) / 12).sum()
    eps = np.finfo(dtype).eps
    assert np.isfinite(value)
    np.testing.assert_allclose(value, total, rtol=20 * eps)
    np.testing.assert_allclose(input_grad, expected, rtol=20 * eps, atol=20 * eps)


@pytest.mark.parametrize("dtype_limit", [("float32", 80.0), ("float64", 700.0)], ids=str)
def test_exp_with_poisson_for_very_small_rates(dtype_limit):
    """ξ = e^z − y, up to the overflow of e^z, and with log a = z where a is 0."""
    dtype, limit = dtype_limit
    z = np.array([[limit, -limit], [-1e30, 1.0], [-1e4, -1e4]], dtype=dtype)
    y = np.array([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]], dtype=dtype)
    net = net_of_logits("exp", 2, dtype)
    value, input_grad = net.loss_and_gradient(z, y, loss="poisson", input_gradient=True)
    z64, y64 = z.astype(np.float64), y.astype(np.float64)
    a = np.exp(z64)
    np.testing.assert_allclose(input_grad, (a - y64) / 6, rtol=100 * np.finfo(dtype).eps)
    np.testing.assert_allclose(value, (a - y64 * z64).mean(), rtol=100 * np.finfo(dtype).eps)


def test_custom_equals_the_built_in_it_copies(dtype):
    def mse(a: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
        return float(np.mean((a - y) ** 2)), 2 * (a - y) / a.size

    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(50, 4)).astype(dtype), rng.normal(size=(50, 2)).astype(dtype)
    nets = [bp.Network([4, 9, 2], "tanh", dtype=dtype, seed=2) for _ in range(2)]
    for net, loss in zip(nets, [bp.losses.Custom(mse), "mse"], strict=True):
        optimizer = bp.optim.SGD(lr=0.1)
        for _ in range(5):
            net.train_step(x, y, loss=loss, optimizer=optimizer)
    np.testing.assert_allclose(
        nets[0].parameters, nets[1].parameters, atol=100 * np.finfo(dtype).eps
    )


def test_an_exception_in_a_custom_loss_reaches_the_caller_and_changes_nothing():
    def broken(a: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
        raise ZeroDivisionError("inside E")

    net, untouched = (bp.Network([3, 40, 1], dropout=0.5, seed=0) for _ in range(2))
    before = net.parameters.copy()
    with pytest.raises(ZeroDivisionError, match="inside E"):
        net.train_step(
            np.ones((2, 3)),
            np.ones((2, 1)),
            loss=bp.losses.Custom(broken),
            optimizer=bp.optim.SGD(lr=0.1),
        )
    np.testing.assert_array_equal(net.parameters, before)
    # Nor is a dropout pass counted.
    x = np.ones((2, 3))
    np.testing.assert_array_equal(
        net.forward(x, training=True), untouched.forward(x, training=True)
    )


def test_a_custom_gradient_of_the_wrong_shape_is_refused():
    loss = bp.losses.Custom(lambda a, y: (0.0, np.ones((1, 1))))
    net = bp.Network([3, 4, 2], seed=0)
    with pytest.raises(ValueError, match=r"\(1, 1\).*\(5, 2\)|\(5, 2\).*\(1, 1\)"):
        net.loss_and_gradient(np.ones((5, 3)), np.ones((5, 2)), loss=loss)


def test_a_loss_called_with_arrays_keeps_float32():
    loss = bp.losses.MeanSquaredError()
    a, y = np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]])
    for given, wanted in (("float32", "float32"), ("float64", "float64"), ("int64", "float64")):
        value, grad = loss(a.astype(given), y)
        assert (value, grad.dtype, grad.tolist()) == (2.0, wanted, [[0.0, -2.0]])
    assert loss(a.astype("float16"), y)[1].dtype == "float64"
    with pytest.raises(ValueError, match=r"a has shape \(\)"):
        loss(0.5, 0.25)

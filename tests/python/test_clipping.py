"""clip_norm and clip_value: numbers near the ends of the range, frozen layers, and NaN."""

import contextlib

import numpy as np
import pytest

import backpass as bp
from fit_problem import SILENT, sgd

FACTOR = np.array([3, 4, 12]) / 13


def apply(net, x, **options) -> None:
    """Make one step of SGD with the cost a: ∂E/∂a is 1, for any a."""
    loss = bp.losses.Custom(lambda a, y: (0.0, np.ones_like(a)))
    with contextlib.suppress(bp.DivergenceError):  # the applied gradients remain
        net.fit(x, [[0.0]], loss=loss, optimizer=sgd(1.0), epochs=1, **options, **SILENT)


def step(gradient, dtype, **options) -> np.ndarray:
    """Return the gradients that a step applies: those of a linear neuron are its inputs."""
    net = bp.Network([len(gradient), 1], bias=False, dtype=dtype, seed=0)
    net.parameters[...] = 0
    apply(net, [gradient], **options)
    return net.gradients.copy()


@pytest.mark.parametrize(
    ("dtype", "scale"),
    [
        ("float64", 1e199),
        ("float64", 1e153),
        ("float64", 1e307),
        ("float32", 1e19),
        ("float32", 1e30),
        ("float32", 2e37),
        ("float64", 1.0),
        ("float32", 1.0),
    ],
)
@pytest.mark.parametrize("clip_norm", [1.0, 1e-3])
def test_a_norm_whose_squares_overflow(dtype, scale, clip_norm):
    got = step(np.array([3, 4, 12]) * scale, dtype, clip_norm=clip_norm)
    np.testing.assert_allclose(got, clip_norm * FACTOR, rtol=2e-6)


@pytest.mark.parametrize("threads", [1, 2])
def test_every_member_of_a_team_uses_the_same_norm(threads):
    before = bp.get_num_threads()
    bp.set_num_threads(threads)
    try:
        gradient = np.random.default_rng(0).normal(size=300_000) * 1e200
        got = step(gradient, "float64", clip_norm=2.0)
    finally:
        bp.set_num_threads(before)
    small = gradient * 1e-200
    np.testing.assert_allclose(got, 2 * small / np.linalg.norm(small), rtol=1e-9)


def test_a_large_norm_within_its_bound_changes_nothing():
    gradient = np.array([3e199, 4e199, 1e-3])
    np.testing.assert_array_equal(step(gradient, "float64", clip_norm=1e201), gradient)


@pytest.mark.parametrize(
    ("dtype", "largest"), [("float64", 1.7e308), ("float64", 1e307), ("float32", 3e38)]
)
def test_clip_grad_norm_of_a_norm_that_overflows(dtype, largest):
    net = bp.Network([3, 1], bias=False, dtype=dtype, seed=0)
    net.gradients = np.full(3, largest)
    norm = float(net.gradients[0]) * 3**0.5
    assert bp.clip_grad_norm(net, 1.0) == pytest.approx(norm, rel=1e-15)
    np.testing.assert_allclose(net.gradients, 1 / np.sqrt(3), rtol=1e-6)


def test_clip_grad_norm_in_the_middle_of_a_step_is_refused():
    """All networks are unchanged, also those that are not in a call."""
    other, net = bp.Network([2, 1], seed=0), bp.Network([2, 1], seed=0)
    other.gradients = [3.0, 4.0, 0.0]
    errors = []

    def loss(a, y):
        net_gradients = net.gradients.copy()
        try:
            bp.clip_grad_norm([other, net], 1e-9)
        except RuntimeError as error:
            errors.append(error)
        np.testing.assert_array_equal(net.gradients, net_gradients)
        return 0.0, np.ones_like(a)

    net.loss_and_gradient([[1.0, 2.0]], [[0.0]], loss=bp.losses.Custom(loss))
    assert errors
    np.testing.assert_array_equal(other.gradients, [3, 4, 0])


def test_the_formula_has_pytorchs_1e_6():
    """min(1, c / (‖g‖ + 1e-6)), also for gradients whose squares underflow."""
    for scale in (1e-200, 1e-8, 1e-6, 1e-3):
        got = step(np.array([3, 4, 12]) * scale, "float64", clip_norm=1e-7)
        factor = min(1, 1e-7 / (13 * scale + 1e-6))
        np.testing.assert_allclose(got, np.array([3, 4, 12]) * scale * factor, rtol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 1e199])
def test_frozen_layers_do_not_count(scale):
    """The norm includes only gradients that are applied."""
    net = bp.Network([2, 2, 1], "identity", bias=False, dtype="float64", seed=0)
    net.layers[0].trainable = False
    net.layers[0].weight[...] = [[3.0, 0.0], [4.0, 0.0]]
    net.layers[1].weight[...] = 1e3  # makes the frozen layer's gradients this large
    before = net.parameters.copy()
    apply(net, [[scale, 0.0]], clip_norm=1.0)
    np.testing.assert_array_equal(net.layers[0].weight, [[3.0, 0.0], [4.0, 0.0]])
    np.testing.assert_allclose(before[4:] - net.parameters[4:], [0.6, 0.8], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_nan_leaves_no_number(dtype):
    """As in PyTorch, a NaN norm makes all gradients NaN. clip_value works on single gradients."""
    assert np.isnan(step([1.0, np.nan, 3.0], dtype, clip_norm=1.0)).all()
    got = step([5.0, np.nan, -3.0], dtype, clip_value=1.0)
    np.testing.assert_array_equal(got, [1.0, np.nan, -1.0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_infinite_gradient_becomes_nan_and_the_others_zero(dtype):
    got = step([1.0, np.inf, 3.0], dtype, clip_norm=1.0)
    np.testing.assert_array_equal(got, [0.0, np.nan, 0.0])


@pytest.mark.parametrize("bound", ["1", b"1", [1], object()])
@pytest.mark.parametrize("name", ["clip_norm", "clip_value"])
def test_a_bound_is_a_number(name, bound):
    net = bp.Network([2, 1], seed=0)
    with pytest.raises(TypeError, match=f"{name} must be a number, not {type(bound).__name__}"):
        net.step(bp.optim.SGD(), **{name: bound})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 2])
def test_train_step_takes_the_options_of_step(dtype, threads):
    """The gradient, its penalties and its bounds, computed here in NumPy."""
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(40, 6)), rng.normal(size=(40, 2))
    net = bp.Network([6, 9, 2], "tanh", dtype=dtype, seed=1)
    other = net.copy()
    other.loss_and_gradient(x, y, loss="mse")
    for layer in other.layers:
        layer.weight_grad[...] += 0.03 * np.sign(layer.weight) + 0.2 * layer.weight
    gradient = other.gradients.astype("float64")
    gradient *= 0.5 / (np.linalg.norm(gradient) + 1e-6)
    expected = net.parameters - 0.1 * np.clip(gradient, -0.07, 0.07)

    before = bp.get_num_threads()
    bp.set_num_threads(threads)
    try:
        loss = net.train_step(
            x,
            y,
            loss="mse",
            optimizer=bp.optim.SGD(lr=0.1),
            clip_norm=0.5,
            clip_value=0.07,
            l1=0.03,
            l2=0.2,
        )
    finally:
        bp.set_num_threads(before)
    assert loss == other.evaluate(x, y, loss="mse")
    tolerance = 40 * np.finfo(dtype).eps
    np.testing.assert_allclose(net.parameters, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"clip_norm": 0.0}, ValueError, "clip_norm"),
        ({"clip_value": -1.0}, ValueError, "clip_value"),
        ({"l1": -1.0}, ValueError, "l1"),
        ({"l2": np.nan}, ValueError, "l2"),
        ({"clip_norm": "1"}, TypeError, "clip_norm must be a number, not str"),
        ({"clip": 1.0}, TypeError, "'clip'"),
    ],
)
def test_a_refused_option_of_train_step_changes_nothing(options, error, words):
    net = bp.Network([2, 1], seed=0)
    before = net.parameters.copy()
    with pytest.raises(error, match=words):
        net.train_step([[1, 2]], [[0]], loss="mse", optimizer=bp.optim.SGD(lr=0.1), **options)
    np.testing.assert_array_equal(net.parameters, before)

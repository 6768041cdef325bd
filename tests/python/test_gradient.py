"""Gradients against central differences for every activation and loss.

Also the calls that return or accumulate gradients.
"""

import numpy as np
import pytest

import backpass as bp
from alarms import assert_ends_soon
from network_pair import Spec, bits, draw_parameters
from reference import activations, losses

# The output activation for a loss that is defined only on part of the numbers.
FITTING = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid", "poisson": "softplus"}


def far_from_kinks(net: bp.Network, x: np.ndarray, loss: str, y: np.ndarray) -> float:
    """Return the least distance of z and of a^N − y from the kinks of activations and loss."""
    net.forward(x)
    least = np.inf
    for layer in net.layers:
        for kink in activations.KINKS.get(str(layer.activation.name), []):
            least = min(least, np.abs(layer.z - kink).min())
    difference = net.layers[-1].a - y
    if loss in ("mae", "quantile"):
        least = min(least, np.abs(difference).min())
    if loss == "huber":
        least = min(least, np.abs(np.abs(difference) - 1).min())
    return float(least)


def smooth_problem(sizes, hidden, output, loss, rows=6):
    """Return a network and a batch whose finite differences cross no kink."""
    for seed in range(300):
        rng = np.random.default_rng(seed)
        net = bp.Network(sizes, hidden, output, dtype="float64", seed=seed)
        draw_parameters(net, rng)
        x = rng.normal(size=(rows, sizes[0]))
        y = losses.targets_for(loss, rows, sizes[-1], rng)
        if far_from_kinks(net, x, loss, y) > 2e-3:
            return net, x, y
    raise AssertionError("no seed keeps away from the kinks")


@pytest.mark.parametrize("loss", bp.losses.names())
@pytest.mark.parametrize("name", activations.ACTIVATIONS)
def test_gradient_check(name, loss):
    """The activation in a hidden layer, and at the output if the loss is defined there."""
    net, x, y = smooth_problem([4, 5, 3], name, FITTING.get(loss, "identity"), loss)
    assert bp.gradient_check(net, x, y, loss) <= 1e-7
    if not losses.fits(loss, name) or (loss == "poisson" and "relu" in name):  # log 0
        return
    net, x, y = smooth_problem([4, 5, 3], "tanh", name, loss)
    assert bp.gradient_check(net, x, y, loss) <= 1e-7


def test_gradient_check_finds_a_wrong_derivative():
    wrong = bp.activations.Custom(np.tanh, lambda z: 1.0 - np.tanh(z) ** 2 + 1e-3)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 4)), rng.normal(size=(6, 2))
    assert (
        bp.gradient_check(bp.Network([4, 5, 2], "tanh", dtype="float64", seed=0), x, y, "mse")
        < 1e-7
    )
    net = bp.Network([4, 5, 2], wrong, "identity", dtype="float64", seed=0)
    assert bp.gradient_check(net, x, y, "mse") > 1e-5


def test_gradient_check_finds_a_wrong_custom_loss():
    wrong = bp.losses.Custom(lambda a, y: (float(((a - y) ** 2).mean()), 2.001 * (a - y) / a.size))
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 4)), rng.normal(size=(6, 2))
    net = bp.Network([4, 5, 2], "tanh", dtype="float64", seed=0)
    assert bp.gradient_check(net, x, y, wrong) > 1e-5


@pytest.mark.parametrize("factor", [0.5, 1.1, -1.0])
def test_gradient_check_is_the_relative_error(factor):
    """Every gradient is `factor` times the right one, so the largest relative error is known."""

    def loss(a, y):
        return float(((a - y) ** 2).mean()), factor * 2 * (a - y) / a.size

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 4)), rng.normal(size=(6, 2))
    net = bp.Network([4, 5, 2], "tanh", dtype="float64", seed=0)
    expected = abs(factor - 1) / max(1, abs(factor))
    assert bp.gradient_check(net, x, y, bp.losses.Custom(loss)) == pytest.approx(expected, rel=1e-6)


def test_gradient_check_can_be_interrupted():
    net = bp.Network([30, 200, 200, 1], seed=0)
    x, y = np.ones((50, 30)), np.ones((50, 1))
    assert_ends_soon(lambda: bp.gradient_check(net, x, y, "mse"), 0.1)


def test_gradient_check_does_not_change_the_network(dtype):
    """gradient_check works in float64 for any type of network, also with dropout and labels."""
    rng = np.random.default_rng(1)
    net = bp.Network([4, 6, 3], "tanh", "softmax", dropout=0.5, dtype=dtype, seed=2)
    x, y = rng.normal(size=(5, 4)), rng.integers(0, 3, 5)
    net.forward(x)
    net.backward(np.ones((5, 3)))
    before = bits(net.parameters, net.gradients)
    assert bp.gradient_check(net, x, y, "cross_entropy") <= 1e-7
    assert bits(net.parameters, net.gradients) == before


def problem(dtype, rows=40, activation="tanh", output="identity"):
    rng = np.random.default_rng(3)
    net = bp.Network([5, 12, 9, 2], activation, output, dtype=dtype, seed=1)
    x, y = rng.normal(size=(rows, 5)).astype(dtype), rng.normal(size=(rows, 2)).astype(dtype)
    return net, x, y


def test_accumulate_adds(dtype):
    net, x, y = problem(dtype)
    net.forward(x)
    net.backward(y)
    once = net.gradients.copy()
    net.forward(x)
    net.backward(2 * y, accumulate=True)
    np.testing.assert_allclose(
        net.gradients, 3 * once, atol=50 * np.finfo(dtype).eps * np.abs(once).max()
    )
    net.forward(x)
    net.backward(y)
    np.testing.assert_array_equal(net.gradients, once)


def test_halves_accumulated_are_the_whole(dtype):
    net, x, y = problem(dtype)
    net.forward(x)
    net.backward(y)
    whole = net.gradients.copy()
    net.forward(x[:17])
    net.backward(y[:17])
    net.forward(x[17:])
    net.backward(y[17:], accumulate=True)
    np.testing.assert_allclose(
        net.gradients, whole, atol=50 * np.finfo(dtype).eps * np.abs(whole).max()
    )


def test_input_gradient_by_differences():
    net, x, y = problem("float64", rows=4)
    _, input_grad = net.loss_and_gradient(x, y, loss="mse", input_gradient=True)
    assert input_grad.shape == x.shape
    h = 1e-6
    for index in np.ndindex(x.shape):
        ends = []
        for s in (1, -1):
            moved = x.copy()
            moved[index] += s * h
            ends.append(net.evaluate(moved, y, loss="mse"))
        assert input_grad[index] == pytest.approx((ends[0] - ends[1]) / (2 * h), abs=1e-9)


def test_input_gradient_of_one_sample_is_one_sample(dtype):
    net, x, y = problem(dtype)
    net.forward(x[0])
    input_grad = net.backward(y[0], input_gradient=True)
    assert input_grad.shape == (5,)
    net.forward(x[:1])
    np.testing.assert_array_equal(net.backward(y[:1], input_gradient=True)[0], input_grad)


def test_backward_without_forward_is_refused(dtype):
    net, _, y = problem(dtype)
    with pytest.raises(RuntimeError, match="forward"):
        net.backward(y)


def test_backward_of_another_shape_states_both(dtype):
    net, x, y = problem(dtype)
    net.forward(x)
    for wrong in (y[:-1], y[:, :1]):
        with pytest.raises(ValueError, match=r"\(40, 2\)") as error:
            net.backward(wrong)
        assert str(wrong.shape) in str(error.value)
    net.backward(y)  # the forward pass is still valid


def test_no_rows_give_no_gradient(dtype):
    net, x, y = problem(dtype)
    net.forward(x)
    net.backward(y)
    assert net.forward(x[:0]).shape == (0, 2)
    input_grad = net.backward(y[:0], input_gradient=True)
    assert input_grad.shape == (0, 5)
    assert not net.gradients.any()


@pytest.mark.parametrize(
    "names", [["tanh", "tanh", "identity"], ["relu", "softmax", "exp"]], ids=" ".join
)
@pytest.mark.parametrize("rows", [40, 257, 600, 1500])
@pytest.mark.parametrize("sizes", [[5, 12, 9, 2], [5, 300, 200, 2]], ids=["small", "large"])
def test_forward_and_backward_are_loss_and_gradient_without_a_closed_form(
    sizes, rows, names, dtype
):
    """Equal sums in equal order give gradients with equal bits, for every way to share rows."""
    spec = Spec(sizes, names, True, 0.0, dtype, seed=2)
    net = spec.make()
    _, x, y = problem(dtype, rows)
    loss = bp.losses.MeanSquaredError()
    value, grad = loss(net.forward(x), y)
    net.backward(grad)
    separate = net.gradients.copy()
    # The loss is summed in double, by segments of rows or in one run.
    assert net.loss_and_gradient(x, y, loss=loss) == pytest.approx(value, rel=1e-13)
    np.testing.assert_array_equal(net.gradients, separate)


def test_scipy_minimises_over_the_flat_views():
    optimize = pytest.importorskip("scipy.optimize")
    net, x, y = problem("float64")

    def objective(parameters):
        net.parameters[:] = parameters
        value = net.loss_and_gradient(x, y, loss="mse")
        return value, net.gradients.copy()

    start = net.parameters.copy()
    error = optimize.check_grad(lambda p: objective(p)[0], lambda p: objective(p)[1], start)
    assert error < 1e-5
    result = optimize.minimize(
        objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 100}
    )
    assert result.fun < 0.2 * objective(start)[0]

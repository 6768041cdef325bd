"""Sums over the rows of long batches: the error does not grow with the rows."""

import numpy as np
import pytest

import backpass as bp
from network_pair import bits

# Numbers of rows. With one identity layer, gradients are sums over rows of known numbers.
LONG = [5_000, 100_000, 1_000_000]


def gradients(
    net: bp.Network, x: np.ndarray, y: np.ndarray, way: str
) -> tuple[np.ndarray, np.ndarray]:
    if way == "loss_and_gradient":
        net.loss_and_gradient(x, y, loss="mse")
    else:
        _, grad = bp.losses.MeanSquaredError()(net.forward(x), y)
        net.backward(grad)
    layer = net.layers[0]
    return np.asarray(layer.weight_grad, "f8"), np.asarray(layer.bias_grad, "f8")


def expected(net: bp.Network, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums in double, from the float outputs and the network's float factor."""
    outputs = net.predict(x)
    xi = np.float32(2.0 / y.size) * (outputs - y)
    return xi.astype("f8").T @ x.astype("f8"), xi.astype("f8").sum(axis=0)


@pytest.mark.parametrize("way", ["loss_and_gradient", "forward and backward"])
@pytest.mark.parametrize("rows", LONG)
@pytest.mark.parametrize("sizes", [[3, 2], [260, 130]], ids=["in segments", "in one run"])
@pytest.mark.parametrize("kind", ["equal rows", "random rows"])
def test_the_error_does_not_grow(kind: str, sizes: list[int], rows: int, way: str) -> None:
    if sizes[0] > 100:
        rows = min(rows, 40_000)
    rng = np.random.default_rng(0)
    shape = (1, sizes[0]) if kind == "equal rows" else (rows, sizes[0])
    x = np.broadcast_to(rng.random(shape) + 0.1, (rows, sizes[0])).astype("float32")
    y = np.broadcast_to(rng.random((1, sizes[1])) - 3, (rows, sizes[1])).astype("float32")
    net = bp.Network(sizes, seed=0, init=bp.initializers.Uniform(0.01))
    weight, bias = gradients(net, x, y, way)
    weight_expected, bias_expected = expected(net, x, y)
    # A chain of 256 additions has an error of at most 256/2 units of 2^-24.
    bound = 130 * 2**-24
    weight_error = abs(weight / weight_expected - 1).max()
    bias_error = abs(bias / bias_expected - 1).max()
    print(f"{kind}, {sizes}, {rows} rows: weights {weight_error:.1e}, biases {bias_error:.1e}")
    assert weight_error < bound
    assert bias_error < bound


@pytest.mark.parametrize("sizes", [[20, 30, 4], [300, 200, 4]], ids=["in segments", "in one run"])
def test_both_ways_and_all_teams_give_the_same_bits(sizes: list[int]) -> None:
    rows = 9_001
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, sizes[0])).astype("float32")
    y = rng.normal(size=(rows, sizes[-1])).astype("float32")
    net = bp.Network(sizes, "tanh", seed=0)
    found = set()
    for threads in (1, 2, 3, 7):
        bp.set_num_threads(threads)
        for way in ("loss_and_gradient", "forward and backward"):
            if way == "loss_and_gradient":
                net.loss_and_gradient(x, y, loss="mse")
            else:
                _, grad = bp.losses.MeanSquaredError()(net.forward(x), y)
                net.backward(grad)
            found.add(bits(net.gradients))
        before = net.gradients.copy()
        net.backward(grad, accumulate=True)
        np.testing.assert_allclose(net.gradients, 2 * before, rtol=1e-5, atol=1e-9)
    assert len(found) == 1


def test_a_step_applies_the_long_sum() -> None:
    """train_step updates piece by piece, and must use the finished sums."""
    rows = 9_001
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 300)).astype("float32")
    y = rng.normal(size=(rows, 4)).astype("float32")
    for sizes in ([300, 200, 4], [300, 20, 4]):
        net = bp.Network(sizes, "tanh", seed=0)
        other = net.copy()
        net.train_step(x, y, loss="mse", optimizer=bp.optim.SGD(lr=0.1))
        other.loss_and_gradient(x, y, loss="mse")
        other.step(bp.optim.SGD(lr=0.1))
        assert bits(net.parameters, net.gradients) == bits(other.parameters, other.gradients)

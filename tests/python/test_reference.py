"""The reference itself: its derivatives against finite differences, its generator, its bounds."""

from itertools import pairwise

import numpy as np
import pytest

from reference import activations, losses, philox
from reference.network import Network, build
from reference.tolerances import Bounds


def random_network(
    sizes: list[int], names: list[str], rng: np.random.Generator, dtype=np.float64
) -> Network:
    weights = [
        rng.normal(size=(k, j), scale=0.7 / np.sqrt(j)).astype(dtype) for j, k in pairwise(sizes)
    ]
    biases = [rng.normal(size=k, scale=0.3).astype(dtype) for k in sizes[1:]]
    return build(weights, biases, names)


@pytest.mark.parametrize("name", activations.ACTIVATIONS)
def test_derivatives_are_the_slopes_of_the_functions(name):
    rng = np.random.default_rng(1)
    phi = activations.ACTIVATIONS[name]
    z = rng.uniform(-4, 4, (50, 7))
    for kink in activations.KINKS.get(name, []):
        z[np.abs(z - kink) < 1e-3] += 0.01
    g = rng.normal(size=z.shape)
    h = 1e-5
    numeric = np.empty_like(z)
    for n in range(z.shape[1]):
        step = np.zeros_like(z)
        step[:, n] = h
        numeric[:, n] = ((phi(z + step) - phi(z - step)) / (2 * h) * g).sum(axis=1)
    np.testing.assert_allclose(phi.jacobian_transposed_times(z, g), numeric, atol=2e-8, rtol=1e-8)


@pytest.mark.parametrize("name", losses.LOSSES)
def test_loss_gradients_are_the_slopes_of_the_values(name):
    rng = np.random.default_rng(2)
    loss = losses.LOSSES[name]
    a = rng.uniform(0.1, 0.9, (6, 3))
    t = losses.targets_for(name, 6, 3, rng)
    w = rng.random(6)
    h = 1e-6
    numeric = np.empty_like(a)
    for index in np.ndindex(a.shape):
        step = np.zeros_like(a)
        step[index] = h
        numeric[index] = (loss.value(a + step, t, w) - loss.value(a - step, t, w)) / (2 * h)
    np.testing.assert_allclose(loss.gradient(a, t, w), numeric, atol=1e-8)


def test_backward_is_the_slope_of_forward_in_every_parameter_and_input():
    rng = np.random.default_rng(3)
    net = random_network([3, 5, 4, 2], ["tanh", "softmax", "mish"], rng)
    net.layers[0].dropout = 0.3
    net.layers[0].keep = rng.random((6, 5)) >= 0.3
    x, g = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    net.forward(x)
    input_grad = net.backward(g)
    expected = [(layer.weight, layer.weight_grad) for layer in net.layers]
    expected += [(layer.bias, layer.bias_grad) for layer in net.layers]
    expected += [(x, input_grad)]
    for values, grad in [(v, d.copy()) for v, d in expected]:
        for index in np.ndindex(values.shape):
            kept, h = values[index], 1e-6
            ends = []
            for s in (1, -1):
                values[index] = kept + s * h
                ends.append((net.forward(x) * g).sum())
            values[index] = kept
            assert grad[index] == pytest.approx((ends[0] - ends[1]) / (2 * h), abs=1e-8)


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ([0] * 4, (0, 0), [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([0xFFFFFFFF] * 4, (0xFFFFFFFF,) * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            (0xA4093822, 0x299F31D0),
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
    ids=["zeros", "ones", "pi"],
)
def test_philox_gives_its_authors_vectors(counter, key, expected):
    assert philox.philox4x32(np.array(counter), key).tolist() == expected


@pytest.mark.parametrize(
    "names", [["tanh"] * 4, ["relu"] * 4, ["silu", "sin", "exp", "softmax"]], ids=" ".join
)
def test_bounds_hold_a_float32_run_and_are_tight(names):
    """A float32 NumPy evaluation is within the bounds; a change by 0.1 % is not."""
    rng = np.random.default_rng(4)
    net = random_network([17, 65, 129, 64, 3], names, rng, np.float32)
    x = rng.normal(size=(257, 17)).astype(np.float32)
    grad = rng.normal(size=(257, 3)).astype(np.float32)
    net.forward(x)
    net.backward(grad)
    bounds = Bounds(net, np.float32, grad_output=grad.astype(np.float64))
    signal = x
    for layer, bound in zip(net.layers, bounds.layers, strict=True):
        z = signal @ layer.weight.T.astype(np.float32) + layer.bias.astype(np.float32)
        signal = layer.activation(z).astype(np.float32)
        assert (np.abs(signal - layer.a) <= bound.a).all()
        assert (np.abs(signal - layer.a) / bound.a).max() > 0.003
        wrong = layer.a * (1 + 1e-3)
        assert (np.abs(wrong - layer.a) > bound.a).any()
    for layer, bound in zip(net.layers, bounds.layers, strict=True):
        wrong = layer.weight_grad * (1 + 1e-3)
        assert (np.abs(wrong - layer.weight_grad) > bound.weight_grad).any()

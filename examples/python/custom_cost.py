"""Train with your own cost: forward, the cost's gradient, backward, step.

Backpropagation needs only the gradient of a cost E by the network's output. This example fits a
curve to samples with gross errors, with the Cauchy cost

    E = mean(log(1 + r²) / 2),   ∂E/∂a = r / (1 + r²) / n,   r = (a - y) / scale,

whose gradient is small for large errors. For comparison, it fits the same data with the squared
error. Then it writes out the backward pass in NumPy, as the recursion of ξ, and compares.

    python custom_cost.py [--steps 1500]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

import backpass as bp

Array = NDArray[np.float64]
SCALE = 0.1


def cauchy(a: Array, y: Array) -> tuple[float, Array]:
    """Return the Cauchy cost and its gradient by `a`."""
    r = (a - y) / SCALE
    return float(np.log1p(r**2).mean() / 2), r / (1 + r**2) / (SCALE * r.size)


def squares(a: Array, y: Array) -> tuple[float, Array]:
    """Return the mean square and its gradient by `a`."""
    return float(((a - y) ** 2).mean()), 2 * (a - y) / a.size


def train(
    x: Array, y: Array, cost: Callable[[Array, Array], tuple[float, Array]], steps: int
) -> bp.Network:
    """Train on whole batches, with every step written out."""
    net = bp.Network([1, 32, 32, 1], activation="tanh", dtype="float64", seed=0)
    adam = bp.optim.Adam(lr=5e-3)
    for _ in range(steps):
        a = net.forward(x)
        _, grad = cost(a, y)
        net.backward(grad)
        net.step(adam)
    return net


def backward_in_numpy(net: bp.Network, x: Array, grad: Array) -> list[tuple[Array, Array]]:
    """Return (∂E/∂W, ∂E/∂b) of every layer by the recursion of ξ, from the last forward pass.

    ξ^N = ∂E/∂a^N φ'(z^N);  ξ^i = φ'(z^i) (Ξ^{i+1} W^{i+1});  ∂E/∂W^i = (Ξ^i)^T A^{i-1}.
    """
    derivatives: dict[str, Callable[[Array], Array]] = {
        "tanh": lambda z: 1 - np.tanh(z) ** 2,
        "identity": np.ones_like,
    }
    gradients: list[tuple[Array, Array]] = []
    back = grad
    for i in reversed(range(len(net.layers))):
        layer = net.layers[i]
        xi = back * derivatives[str(layer.activation)](np.asarray(layer.z))
        below = x if i == 0 else np.asarray(net.layers[i - 1].a)
        gradients.insert(0, (xi.T @ below, xi.sum(axis=0)))
        back = xi @ layer.weight
    return gradients


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=1500)
    options = parser.parse_args()

    rng = np.random.default_rng(0)
    x = np.linspace(-1, 1, 200)[:, np.newaxis]
    truth = np.sin(3 * x)
    y = truth + 0.05 * rng.normal(size=x.shape)
    wrong = rng.random(len(x)) < 0.15
    y[wrong] += rng.uniform(2, 4, size=(int(wrong.sum()), 1))  # always upwards

    errors = {}
    for cost in (cauchy, squares):
        net = train(x, y, cost, options.steps)
        errors[cost.__name__] = float(np.sqrt(((net.predict(x) - truth) ** 2).mean()))
        print(f"{cost.__name__:8} distance from the true curve {errors[cost.__name__]:.4f}")
    assert errors["cauchy"] < errors["squares"] / 3, errors

    # The same gradients, from the equations.
    net = train(x, y, cauchy, steps=1)
    _, grad = cauchy(net.forward(x), y)
    net.backward(grad)
    for layer, (weight_grad, bias_grad) in zip(
        net.layers, backward_in_numpy(net, x, grad), strict=True
    ):
        np.testing.assert_allclose(layer.weight_grad, weight_grad, rtol=1e-10, atol=1e-13)
        assert layer.bias_grad is not None  # None only with bias=False
        np.testing.assert_allclose(layer.bias_grad, bias_grad, rtol=1e-10, atol=1e-13)
    print("gradients agree with the equations")


if __name__ == "__main__":
    main()

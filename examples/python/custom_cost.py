"""
A cost of your own: forward, gradient, backward, step
=====================================================

Backpropagation needs only the gradient of a cost E by the network's output. This example fits a
curve to samples with gross errors, with the Cauchy cost ::

    E = mean(log(1 + r²) / 2),   ∂E/∂a = r / (1 + r²) / n,   r = (a - y) / scale,

whose gradient is small for large errors. For comparison, it fits the same data with the squared
error. Then it writes out the backward pass in NumPy, as the recursion of ξ, and compares. Usage::

    python custom_cost.py [--steps 1500] [--plot curves.png]
"""

from __future__ import annotations

# sphinx_gallery_start_ignore
import argparse

parser = argparse.ArgumentParser(description="Train with a cost of your own.")
parser.add_argument("--steps", type=int, default=1500)
parser.add_argument("--plot", help="write the picture here (a PNG)")
options = parser.parse_args()
# sphinx_gallery_end_ignore
from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import backpass as bp

Array = NDArray[np.float64]
SCALE = 0.1

# %%
# The samples: 15 % of them are 2 to 4 too large.

rng = np.random.default_rng(0)
x = np.linspace(-1, 1, 200)[:, np.newaxis]
truth = np.sin(3 * x)
y = truth + 0.05 * rng.normal(size=x.shape)
wrong = rng.random(len(x)) < 0.15
y[wrong] += rng.uniform(2, 4, size=(int(wrong.sum()), 1))

# %%
# The costs, each with its gradient by the outputs `a`.


def cauchy(a: Array, y: Array) -> tuple[float, Array]:
    """Return the Cauchy cost and its gradient by `a`."""
    r = (a - y) / SCALE
    return float(np.log1p(r**2).mean() / 2), r / (1 + r**2) / (SCALE * r.size)


def squares(a: Array, y: Array) -> tuple[float, Array]:
    """Return the mean square and its gradient by `a`."""
    return float(((a - y) ** 2).mean()), 2 * (a - y) / a.size


# %%
# The training, with every step written out:


def train(cost: Callable[[Array, Array], tuple[float, Array]], steps: int) -> bp.Network:
    """Train on whole batches."""
    net = bp.Network([1, 32, 32, 1], activation="tanh", dtype="float64", seed=0)
    adam = bp.optim.Adam(lr=5e-3)
    for _ in range(steps):
        a = net.forward(x)
        _, grad = cost(a, y)
        net.backward(grad)
        net.step(adam)
    return net


nets = {cost.__name__: train(cost, options.steps) for cost in (cauchy, squares)}
errors = {
    name: float(np.sqrt(((net.predict(x) - truth) ** 2).mean())) for name, net in nets.items()
}
for name, error in errors.items():
    print(f"{name:8} distance from the true curve {error:.4f}")
assert errors["cauchy"] < errors["squares"] / 3, errors

# %%

figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
axes.plot(x, y, ".", color="0.7", label="samples")
axes.plot(x, truth, "k--", label="true curve")
for name, net in nets.items():
    axes.plot(x, net.predict(x), label=name)
axes.legend()
# sphinx_gallery_start_ignore
if options.plot:
    figure.savefig(options.plot)
# sphinx_gallery_end_ignore

# %%
# The backward pass, from the equations: ξ^N = ∂E/∂a^N φ'(z^N), ξ^i = φ'(z^i) (Ξ^{i+1} W^{i+1}), and
# ∂E/∂W^i = (Ξ^i)^T A^{i-1}.


def backward_in_numpy(net: bp.Network, grad: Array) -> list[tuple[Array, Array]]:
    """Return (∂E/∂W, ∂E/∂b) of every layer, from the last forward pass."""
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


net = train(cauchy, steps=1)
_, grad = cauchy(net.forward(x), y)
net.backward(grad)
for layer, (weight_grad, bias_grad) in zip(net.layers, backward_in_numpy(net, grad), strict=True):
    np.testing.assert_allclose(layer.weight_grad, weight_grad, rtol=1e-10, atol=1e-13)
    assert layer.bias_grad is not None  # None only with bias=False
    np.testing.assert_allclose(layer.bias_grad, bias_grad, rtol=1e-10, atol=1e-13)
print("gradients agree with the equations")

"""Allowed difference between a network in one precision and the same network in exact arithmetic.

Rounding errors are propagated through the equations together with the values, to first order and by
their standard deviation. A sum of k products has an own error of eps √k Σ|w||a|: its k roundings
are of partial sums of at most Σ|w||a|, and add up like a random walk (Higham and Mary 2019). The
errors of its terms add up as the root of their squares. A function φ has the error |φ(z + e) − φ(z
− e)| / 2, which is also right at a kink. `SAFETY` turns deviations into bounds. It is in units of
eps, which is two roundings, so it allows an element eight standard deviations.

A wrong formula, index or sign changes results by about their own size. These bounds are about 1e-4
of the results in float32 and 1e-13 in float64.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .activations import softmax
from .losses import Loss
from .network import Layer, Network

Array = np.ndarray

SAFETY = 4.0


def _root_sum_squares(e: Array, factor: Array) -> Array:
    """The error of e's rows times a matrix with exact entries: √(Σ_j e_j² f_jk²)."""
    return np.sqrt((e * e) @ (factor * factor))


def _spread(f: Callable[[Array], Array], at: Array, error: Array, eps: float) -> Array:
    """The error of f(at) if `at` has the error `error`.

    f rounds its argument, its result, and intermediate results of order 1.
    """
    argument = error + eps * np.abs(at)
    with np.errstate(all="ignore"):
        value = f(at)
        moved = 0.5 * np.abs(f(at + argument) - f(at - argument))
    return moved + eps * (np.abs(value) + 1.0)


def loss_gradient_bound(
    loss: Loss,
    a: Array,
    error: Array,
    targets: Array,
    weight: Array | None,
    dtype: type,
    **parameters: float,
) -> Array:
    """The error of ∂E/∂a^N if a has the error `error`, and a, t and the result are rounded."""
    eps = SAFETY * float(np.finfo(dtype).eps)
    ea = error + eps * np.abs(a)
    with np.errstate(all="ignore"):
        from_a = loss.gradient(a + ea, targets, weight, **parameters) - loss.gradient(
            a - ea, targets, weight, **parameters
        )
        from_t = loss.gradient(a, targets * (1 + eps), weight, **parameters) - loss.gradient(
            a, targets * (1 - eps), weight, **parameters
        )
    return (
        np.abs(from_a)
        + np.abs(from_t)
        + eps * np.abs(loss.gradient(a, targets, weight, **parameters))
    )


def loss_value_bound(
    loss: Loss,
    a: Array,
    error: Array,
    targets: Array,
    weight: Array | None,
    dtype: type,
    **parameters: float,
) -> float:
    """The error of E if a has the error `error`, and a, t, the terms and their sum are rounded."""
    eps = SAFETY * float(np.finfo(dtype).eps)
    ea = error + eps * np.abs(a)
    outputs = a.shape[1]
    w = np.ones(len(a)) if weight is None else weight
    with np.errstate(all="ignore"):
        moved = np.zeros(len(a))
        for n in range(outputs):  # each output separately: their errors need not cancel
            step = np.zeros_like(a)
            step[:, n] = ea[:, n]
            moved += np.abs(
                loss.per_sample(a + step, targets, **parameters)
                - loss.per_sample(a - step, targets, **parameters)
            )
        moved += np.abs(
            loss.per_sample(a, targets * (1 + eps), **parameters)
            - loss.per_sample(a, targets * (1 - eps), **parameters)
        )
    rounding = eps * np.sqrt(outputs) * (1.0 + np.abs(loss.per_sample(a, targets, **parameters)))
    return float((w * (moved + rounding)).sum() / w.sum())


@dataclass
class LayerBounds:
    z: Array
    a: Array
    xi: Array
    weight_grad: Array
    bias_grad: Array | None


class Bounds:
    """Elementwise bounds for every quantity of a reference network after its forward and backward.

    Attributes
    ----------
    layers : list of LayerBounds
    loss : float
    input_grad : ndarray, (B, M_0)
    """

    def __init__(
        self,
        net: Network,
        dtype: type,
        *,
        grad_output: Array,
        loss: Loss | None = None,
        targets: Array | None = None,
        weight: Array | None = None,
        parameters: dict[str, float] | None = None,
    ) -> None:
        self.eps = SAFETY * float(np.finfo(dtype).eps)
        self.loss = 0.0
        below_error = np.zeros_like(net.layers[0].below)
        self.below: list[Array] = []
        self.z: list[Array] = []
        self.a: list[Array] = []
        for layer in net.layers:
            self.below.append(below_error)
            ez, ea = self._forward(layer, below_error)
            self.z.append(ez)
            self.a.append(ea)
            below_error = layer.masked(ea) + (
                0.0 if layer.keep is None else self.eps * np.abs(layer.a)
            )

        out = net.layers[-1].a
        grad_error = self.eps * np.abs(grad_output)
        if loss is not None and targets is not None and len(out):
            error = self.a[-1]
            self.loss = loss_value_bound(
                loss, out, error, targets, weight, dtype, **(parameters or {})
            )
            grad_error = loss_gradient_bound(
                loss, out, error, targets, weight, dtype, **(parameters or {})
            )

        self.layers: list[LayerBounds] = []
        grad, grad_rows = np.asarray(grad_output, dtype=np.float64), len(out)
        for i in reversed(range(len(net.layers))):
            layer = net.layers[i]
            exi = self._backward(
                layer, self.z[i], self.a[i], layer.masked(grad), layer.masked(grad_error)
            )
            own = self.eps * np.sqrt(max(grad_rows, 1))
            weight_error = (
                _root_sum_squares(np.abs(exi).T, np.abs(layer.below))
                + np.sqrt((layer.xi**2).T @ self.below[i] ** 2)
                + own * np.abs(layer.xi).T @ np.abs(layer.below)
            )
            bias_error = (
                None
                if layer.bias is None
                else np.sqrt((exi**2).sum(axis=0)) + own * np.abs(layer.xi).sum(axis=0)
            )
            self.layers.insert(0, LayerBounds(self.z[i], self.a[i], exi, weight_error, bias_error))
            outputs = layer.weight.shape[0]
            grad = layer.xi @ layer.weight
            grad_error = _root_sum_squares(exi, layer.weight) + self.eps * np.sqrt(outputs) * (
                np.abs(layer.xi) @ np.abs(layer.weight)
            )
        self.input_grad = grad_error

    def _forward(self, layer: Layer, below_error: Array) -> tuple[Array, Array]:
        inputs = layer.weight.shape[1]
        terms = np.abs(layer.below) @ np.abs(layer.weight).T
        if layer.bias is not None:
            terms = terms + np.abs(layer.bias)
        ez = _root_sum_squares(below_error, layer.weight.T) + self.eps * np.sqrt(inputs + 1) * terms
        if not len(ez):
            return ez, ez
        if layer.activation.derivative is None:
            p = softmax(layer.z)
            argument = ez + self.eps * np.abs(layer.z)
            coupled = argument + (p * argument).sum(axis=1, keepdims=True)
            if layer.activation.name == "softmax":
                return ez, p * coupled + self.eps * np.sqrt(p.shape[1]) * p
            return ez, coupled + self.eps * (1.0 + np.abs(layer.a))
        return ez, _spread(lambda z: layer.activation(z, layer.parameter), layer.z, ez, self.eps)

    def _backward(self, layer: Layer, ez: Array, ea: Array, g: Array, eg: Array) -> Array:
        """The error of ξ = J_φ(z)^T g."""
        if not len(g):
            return np.zeros_like(g)
        eg = eg + self.eps * np.abs(g)
        name = layer.activation.name
        if layer.activation.derivative is None:
            p = softmax(layer.z)
            summed = self.eps * np.sqrt(p.shape[1])
            if name == "softmax":
                # ξ = a ⊙ (g − Σ g a)
                dot_error = (p * eg + np.abs(g) * (ea + summed * p)).sum(axis=1, keepdims=True)
                size = np.abs(g) + (np.abs(g) * p).sum(axis=1, keepdims=True)
                return ea * size + p * (eg + dot_error + self.eps * size)
            # ξ = g − p Σ g
            ep = p * (ea + summed)
            total = np.abs(g).sum(axis=1, keepdims=True)
            return eg + (ep + summed * p) * total + p * eg.sum(axis=1, keepdims=True)
        prime = layer.activation.prime(layer.z, layer.parameter)
        eprime = _spread(
            lambda z: layer.activation.prime(z, layer.parameter), layer.z, ez, self.eps
        )
        return np.abs(prime) * eg + eprime * np.abs(g)


def assert_within(actual: Array, expected: Array, bound: Array, what: str) -> None:
    """Fail with the worst element if |actual − expected| exceeds the bound."""
    actual = np.asarray(actual, dtype=np.float64)
    assert actual.shape == expected.shape, (
        f"{what}: shape {actual.shape}, expected {expected.shape}"
    )
    if actual.size == 0:
        return
    error = np.abs(actual - expected)
    excess = np.where(np.isnan(error), np.inf, error) - np.broadcast_to(bound, error.shape)
    worst = np.unravel_index(np.argmax(excess), excess.shape)
    assert excess[worst] <= 0, (
        f"{what}{[int(i) for i in worst]} is {actual[worst]!r}, expected {expected[worst]!r}: "
        f"off by {error[worst]:.3g}, allowed {np.broadcast_to(bound, error.shape)[worst]:.3g}; "
        f"{int((excess > 0).sum())} of {error.size} elements are off"
    )

"""The forward loop and the ξ recursion of docs/mathematics.md, batched: rows are samples."""

from dataclasses import dataclass, field

import numpy as np

from .activations import ACTIVATIONS, Activation

Array = np.ndarray


@dataclass
class Layer:
    """Layer i: weight is W^i (M_i, M_{i-1}), bias is b^i (M_i) or None.

    `keep` is the dropout mask (B, M_i) or None.
    """

    weight: Array
    bias: Array | None
    activation: Activation
    parameter: float | None = None
    dropout: float = 0.0
    keep: Array | None = None

    # Results of the last forward and backward.
    below: Array = field(
        default_factory=lambda: np.empty(0)
    )  # the layer's input: a^{i-1} after dropout
    z: Array = field(default_factory=lambda: np.empty(0))
    a: Array = field(default_factory=lambda: np.empty(0))
    xi: Array = field(default_factory=lambda: np.empty(0))
    weight_grad: Array = field(default_factory=lambda: np.empty(0))
    bias_grad: Array | None = None

    def masked(self, v: Array) -> Array:
        """Inverted dropout: kept elements are scaled by 1 / (1 − p). It equals its transpose."""
        return v if self.keep is None else v * self.keep / (1.0 - self.dropout)


@dataclass
class Network:
    layers: list[Layer]

    def forward(self, x: Array) -> Array:
        """z^i = a^{i-1} (W^i)^T + b^i, a^i = φ_i(z^i); returns a^N."""
        signal = np.asarray(x, dtype=np.float64)
        for layer in self.layers:
            layer.below = signal
            layer.z = signal @ layer.weight.T
            if layer.bias is not None:
                layer.z = layer.z + layer.bias
            layer.a = layer.activation(layer.z, layer.parameter)
            signal = layer.masked(layer.a)
        return signal

    def backward(self, grad_output: Array) -> Array:
        """From ∂E/∂a^N: ξ^i, ∂E/∂W^i = (ξ^i)^T a^{i-1}, ∂E/∂b^i = Σ_rows ξ^i. Returns ∂E/∂a^0."""
        grad = np.asarray(grad_output, dtype=np.float64)
        for layer in reversed(self.layers):
            # ξ^i = J_φ(z^i)^T ∂E/∂a^i
            layer.xi = (
                layer.activation.jacobian_transposed_times(
                    layer.z, layer.masked(grad), layer.parameter
                )
                if len(grad)
                else np.zeros_like(layer.z)
            )
            layer.weight_grad = layer.xi.T @ layer.below
            layer.bias_grad = None if layer.bias is None else layer.xi.sum(axis=0)
            # ∂E/∂a^{i-1} = ξ^i W^i
            grad = layer.xi @ layer.weight
        return grad

    def __call__(self, x: Array) -> Array:
        """a^N without dropout."""
        signal = np.asarray(x, dtype=np.float64)
        for layer in self.layers:
            bias = 0.0 if layer.bias is None else layer.bias
            signal = layer.activation(signal @ layer.weight.T + bias, layer.parameter)
        return signal


def build(
    weights: list[Array],
    biases: list[Array | None],
    activations: list[str],
    parameters: list[float | None] | None = None,
) -> Network:
    """A network from one entry per layer; everything is copied to float64."""
    chosen = parameters or [None] * len(weights)
    return Network(
        [
            Layer(
                np.array(w, dtype=np.float64),
                None if b is None else np.array(b, dtype=np.float64),
                ACTIVATIONS[name],
                parameter,
            )
            for w, b, name, parameter in zip(weights, biases, activations, chosen, strict=True)
        ]
    )

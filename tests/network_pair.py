"""A backpass network and its reference: the same parameters and masks, compared by quantity."""

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass, field

import numpy as np

import backpass as bp
from reference import losses, network, philox
from reference.tolerances import Bounds, assert_within

Array = np.ndarray


@dataclass
class Spec:
    """The description of a compared network.

    `activations` has one name per layer, `parameters` one number or None per layer.
    """

    sizes: list[int]
    activations: list[str]
    bias: list[bool] | bool = True
    dropout: list[float] | float = 0.0
    dtype: str = "float64"
    seed: int = 0
    parameters: list[float | None] = field(default_factory=list)

    def make(self) -> bp.Network:
        """Return the network with parameters of order one, drawn by NumPy, including biases."""
        net = bp.Network(
            self.sizes,
            [
                activation_object(name, parameter)
                for name, parameter in zip(self.activations, self._parameters(), strict=True)
            ],
            bias=self.bias,
            dropout=self.dropout,
            dtype=self.dtype,
            seed=self.seed,
        )
        draw_parameters(net, np.random.default_rng(self.seed))
        return net

    def reference(self, net: bp.Network) -> network.Network:
        """Return the same network in float64 NumPy; float32 parameters are copied exactly."""
        reference = network.build(
            [layer.weight for layer in net.layers],
            [layer.bias for layer in net.layers],
            self.activations,
            self._parameters(),
        )
        hidden = len(self.sizes) - 2
        rates = self.dropout if isinstance(self.dropout, list) else [self.dropout] * hidden
        for layer, rate in zip(reference.layers, rates, strict=False):
            layer.dropout = rate
        return reference

    def _parameters(self) -> list[float | None]:
        return self.parameters or [None] * len(self.activations)


def activation_object(name: str, parameter: float | None = None):
    """Return the name itself, or an object of the class that takes the parameter."""
    if parameter is None:
        return name
    class_name = {"leaky_relu": "LeakyReLU", "elu": "ELU", "celu": "CELU"}[name]
    return getattr(bp.activations, class_name)(parameter)


def draw_parameters(net: bp.Network, rng: np.random.Generator, scale: float = 0.7) -> None:
    for layer in net.layers:
        outputs, inputs = layer.weight.shape
        layer.weight[...] = rng.normal(size=(outputs, inputs), scale=scale / np.sqrt(inputs))
        if layer.bias is not None:
            layer.bias[...] = rng.normal(size=outputs, scale=0.3)


def set_masks(reference: network.Network, rows: int, seed: int, training_pass: int) -> None:
    """Set the dropout masks of the given training pass, from the generator's definition."""
    for i, layer in enumerate(reference.layers):
        if layer.dropout > 0:
            words = philox.dropout_words(seed, training_pass, i, rows, layer.weight.shape[0])
            layer.keep = philox.dropout_keep(words, layer.dropout)


def bits(*arrays: Array) -> str:
    """Return a hash of the arrays' bytes: equal only for bit-identical arrays (−0 and 0 differ)."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def assert_forward_matches(net: bp.Network, reference: network.Network, bounds: Bounds) -> None:
    for i, (layer, expected, bound) in enumerate(
        zip(net.layers, reference.layers, bounds.layers, strict=True), start=1
    ):
        assert_within(layer.z, expected.z, bound.z, f"z^{i}")
        assert_within(layer.a, expected.a, bound.a, f"a^{i}")


def assert_gradients_match(net: bp.Network, reference: network.Network, bounds: Bounds) -> None:
    for i, (layer, expected, bound) in enumerate(
        zip(net.layers, reference.layers, bounds.layers, strict=True), start=1
    ):
        assert_within(layer.weight_grad, expected.weight_grad, bound.weight_grad, f"∂E/∂w^{i}")
        if expected.bias_grad is None:
            assert layer.bias is None
            assert layer.bias_grad is None
        else:
            assert_within(layer.bias_grad, expected.bias_grad, bound.bias_grad, f"∂E/∂b^{i}")


def assert_xi_matches(net: bp.Network, reference: network.Network, bounds: Bounds) -> None:
    for i, (layer, expected, bound) in enumerate(
        zip(net.layers, reference.layers, bounds.layers, strict=True), start=1
    ):
        assert_within(layer.xi, expected.xi, bound.xi, f"ξ^{i}")


OPTIMIZERS = [type(bp.optim.get(name)).__name__ for name in bp.optim.names()]


def loss_object(name: str, **parameters: float):
    return type(bp.losses.get(name))(**parameters)


@dataclass
class Data:
    """A batch for a spec and a loss, in the network's dtype.

    `t` are the targets for the reference (one-hot for labels).
    """

    x: Array
    y: Array
    t: Array
    weight: Array | None

    @classmethod
    def draw(
        cls,
        spec: Spec,
        loss: str,
        rows: int,
        *,
        labels: bool = False,
        weighted: bool = False,
        seed: int = 1,
    ) -> "Data":
        rng = np.random.default_rng(seed)
        outputs = spec.sizes[-1]
        x = rng.normal(size=(rows, spec.sizes[0])).astype(spec.dtype)
        weight = rng.uniform(0.2, 2.0, rows).astype(spec.dtype) if weighted else None
        if labels:
            y = rng.integers(0, outputs, rows)
            return cls(x, y, losses.one_hot(y, outputs), weight)
        y = losses.targets_for(loss, rows, outputs, rng).astype(spec.dtype)
        return cls(x, y, y.astype(np.float64), weight)

    @property
    def w64(self) -> Array | None:
        return None if self.weight is None else self.weight.astype(np.float64)


def run_reference(
    reference: network.Network,
    loss: losses.Loss,
    data: Data,
    dtype: str,
    **parameters: float,
) -> tuple[float, Array, Bounds]:
    """Return E, ∂E/∂a^0 and the bounds, after the reference's forward and backward."""
    a = reference.forward(data.x)
    grad = loss.gradient(a, data.t, data.w64, **parameters)
    input_grad = reference.backward(grad)
    bounds = Bounds(
        reference,
        np.dtype(dtype).type,
        grad_output=grad,
        loss=loss,
        targets=data.t,
        weight=data.w64,
        parameters=parameters,
    )
    return loss.value(a, data.t, data.w64, **parameters), input_grad, bounds


def run_python(code: str, *arguments: str, timeout: float = 100, **environment: str) -> str:
    """Return the standard output of a fresh interpreter, in which warnings are errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

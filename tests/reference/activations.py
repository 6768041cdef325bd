"""Activation functions φ and their derivatives φ', with PyTorch's definitions and constants.

Every function takes z of any shape and the activation's parameter (None if it has none). At a kink
φ' is the one-sided derivative that PyTorch uses.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
Function = Callable[[Array, float | None], Array]

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def erf(z: Array) -> Array:
    return np.array([math.erf(v) for v in np.ravel(z)], dtype=np.float64).reshape(np.shape(z))


def sigmoid(z: Array) -> Array:
    # e^{-|z|} cannot overflow; for z < 0, 1 / (1 + e^{-z}) = e^z / (1 + e^z).
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def softplus(z: Array) -> Array:
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


def _normal_cdf(z: Array) -> Array:
    return 0.5 * np.array([math.erfc(-v / math.sqrt(2.0)) for v in np.ravel(z)]).reshape(
        np.shape(z)
    )


def _normal_pdf(z: Array) -> Array:
    return np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)


def _gelu_tanh_inner(z: Array) -> Array:
    return np.tanh(math.sqrt(2.0 / math.pi) * (z + 0.044715 * z**3))


def _gelu_tanh_derivative(z: Array, _: float | None) -> Array:
    t = _gelu_tanh_inner(z)
    inner = math.sqrt(2.0 / math.pi) * (1.0 + 3.0 * 0.044715 * z * z)
    return 0.5 * (1.0 + t) + 0.5 * z * (1.0 - t * t) * inner


def _mish_derivative(z: Array, _: float | None) -> Array:
    t = np.tanh(softplus(z))
    return t + z * (1.0 - t * t) * sigmoid(z)


def _silu_derivative(z: Array, _: float | None) -> Array:
    s = sigmoid(z)
    return s * (1.0 + z * (1.0 - s))


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def log_softmax(z: Array) -> Array:
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


@dataclass(frozen=True)
class Activation:
    """φ and either φ' or, for a vector-valued φ, the product of its Jacobian with a vector."""

    name: str
    function: Function
    derivative: Function | None = None
    default: float | None = None

    def __call__(self, z: Array, parameter: float | None = None) -> Array:
        return self.function(z, self.default if parameter is None else parameter)

    def prime(self, z: Array, parameter: float | None = None) -> Array:
        assert self.derivative is not None, f"{self.name} has only a Jacobian"
        return self.derivative(z, self.default if parameter is None else parameter)

    def jacobian_transposed_times(
        self, z: Array, g: Array, parameter: float | None = None
    ) -> Array:
        """J_φ(z)^T g, row by row: φ'(z) ⊙ g if φ is elementwise."""
        if self.name == "softmax":
            # ∂a_k/∂z_n = a_k (δ_kn − a_n)
            a = softmax(z)
            return np.stack(
                [(np.diag(p) - np.outer(p, p)).T @ v for p, v in zip(a, g, strict=True)]
            )
        if self.name == "log_softmax":
            # ∂a_k/∂z_n = δ_kn − p_n with p = softmax(z)
            eye = np.eye(z.shape[1])
            return np.stack([(eye - p[None, :]).T @ v for p, v in zip(softmax(z), g, strict=True)])
        return self.prime(z, parameter) * g


_definitions: list[Activation] = [
    Activation("identity", lambda z, _: z.copy(), lambda z, _: np.ones_like(z)),
    Activation("relu", lambda z, _: np.maximum(z, 0.0), lambda z, _: np.where(z > 0, 1.0, 0.0)),
    Activation(
        "relu6",
        lambda z, _: np.clip(z, 0.0, 6.0),
        lambda z, _: np.where((z > 0) & (z < 6), 1.0, 0.0),
    ),
    Activation(
        "leaky_relu",
        lambda z, slope: np.where(z > 0, z, slope * z),
        lambda z, slope: np.where(z > 0, 1.0, slope),
        default=0.01,
    ),
    Activation(
        "elu",
        lambda z, alpha: np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0.0))),
        lambda z, alpha: np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0.0))),
        default=1.0,
    ),
    Activation(
        "selu",
        lambda z, _: SELU_SCALE * np.where(z > 0, z, SELU_ALPHA * np.expm1(np.minimum(z, 0.0))),
        lambda z, _: SELU_SCALE * np.where(z > 0, 1.0, SELU_ALPHA * np.exp(np.minimum(z, 0.0))),
    ),
    Activation(
        "celu",
        lambda z, alpha: np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0.0) / alpha)),
        lambda z, alpha: np.where(z > 0, 1.0, np.exp(np.minimum(z, 0.0) / alpha)),
        default=1.0,
    ),
    Activation(
        "gelu",
        lambda z, _: z * _normal_cdf(z),
        lambda z, _: _normal_cdf(z) + z * _normal_pdf(z),
    ),
    Activation(
        "gelu_tanh", lambda z, _: 0.5 * z * (1.0 + _gelu_tanh_inner(z)), _gelu_tanh_derivative
    ),
    Activation("silu", lambda z, _: z * sigmoid(z), _silu_derivative),
    Activation("mish", lambda z, _: z * np.tanh(softplus(z)), _mish_derivative),
    Activation("softplus", lambda z, _: softplus(z), lambda z, _: sigmoid(z)),
    Activation(
        "softsign", lambda z, _: z / (1.0 + np.abs(z)), lambda z, _: 1.0 / (1.0 + np.abs(z)) ** 2
    ),
    Activation("sigmoid", lambda z, _: sigmoid(z), lambda z, _: sigmoid(z) * sigmoid(-z)),
    Activation(
        "hard_sigmoid",
        lambda z, _: np.clip(z + 3.0, 0.0, 6.0) / 6.0,
        lambda z, _: np.where((z > -3) & (z < 3), 1.0 / 6.0, 0.0),
    ),
    Activation("tanh", lambda z, _: np.tanh(z), lambda z, _: 1.0 / np.cosh(z) ** 2),
    Activation(
        "hard_tanh",
        lambda z, _: np.clip(z, -1.0, 1.0),
        lambda z, _: np.where((z > -1) & (z < 1), 1.0, 0.0),
    ),
    Activation(
        "hard_swish",
        lambda z, _: z * np.clip(z + 3.0, 0.0, 6.0) / 6.0,
        lambda z, _: np.where(z <= -3, 0.0, np.where(z < 3, z / 3.0 + 0.5, 1.0)),
    ),
    Activation("exp", lambda z, _: np.exp(z), lambda z, _: np.exp(z)),
    Activation("sin", lambda z, _: np.sin(z), lambda z, _: np.cos(z)),
    Activation("softmax", lambda z, _: softmax(z)),
    Activation("log_softmax", lambda z, _: log_softmax(z)),
]

ACTIVATIONS: dict[str, Activation] = {activation.name: activation for activation in _definitions}

ELEMENTWISE = [
    name for name, activation in ACTIVATIONS.items() if activation.derivative is not None
]

# Points where φ or φ' jumps. Finite differences and comparisons avoid them.
KINKS: dict[str, list[float]] = {
    "relu": [0.0],
    "relu6": [0.0, 6.0],
    "leaky_relu": [0.0],
    "elu": [0.0],
    "selu": [0.0],
    "celu": [0.0],
    "hard_sigmoid": [-3.0, 3.0],
    "hard_tanh": [-1.0, 1.0],
    "hard_swish": [-3.0, 3.0],
    "softsign": [0.0],
}

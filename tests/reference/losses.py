"""Costs: ℓ_b(a, t) and ∂ℓ_b/∂a of one sample, and from them E and ∂E/∂a^N.

E = Σ_b w_b ℓ_b / Σ_b w_b, with w_b = 1 if no weights are given. Losses that are a mean over outputs
divide by M_N inside ℓ_b. Targets are matrices (B, M_N); `one_hot` converts class labels.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .activations import ACTIVATIONS, log_softmax, sigmoid, softmax, softplus

Array = np.ndarray
Elementwise = Callable[..., Array]


def one_hot(labels: Array, classes: int) -> Array:
    t = np.zeros((len(labels), classes))
    t[np.arange(len(labels)), labels] = 1.0
    return t


def smoothed(t: Array, label_smoothing: float) -> Array:
    return (1.0 - label_smoothing) * t + label_smoothing / t.shape[1]


def _huber(a: Array, y: Array, delta: float) -> Array:
    d = np.abs(a - y)
    return np.where(d <= delta, 0.5 * d * d, delta * (d - 0.5 * delta))


def _log_cosh(a: Array, y: Array) -> Array:
    # log cosh d = |d| + log(1 + e^{−2|d|}) − log 2
    d = np.abs(a - y)
    return d + np.log1p(np.exp(-2.0 * d)) - math.log(2.0)


def _quantile(a: Array, y: Array, q: float) -> Array:
    return np.maximum(q * (y - a), (q - 1.0) * (y - a))


@dataclass(frozen=True)
class Loss:
    """A cost with `terms(a, t)` and `slopes(a, t)`, both (B, M_N).

    ℓ_b = Σ_n terms, ∂ℓ_b/∂a_n = slopes, before any division by M_N.
    """

    name: str
    terms: Elementwise
    slopes: Elementwise
    mean_over_outputs: bool = True
    takes_labels: bool = False
    defaults: dict[str, float] = field(default_factory=dict)

    def _per_output(self, a: Array) -> float:
        return 1.0 / a.shape[1] if self.mean_over_outputs else 1.0

    def _arguments(self, t: Array, parameters: dict[str, float]) -> tuple[Array, dict[str, float]]:
        chosen = {**self.defaults, **parameters}
        if self.takes_labels:
            t = smoothed(t, chosen.pop("label_smoothing"))
        return t, chosen

    def per_sample(self, a: Array, t: Array, **parameters: float) -> Array:
        """ℓ_b, shape (B,)."""
        t, chosen = self._arguments(t, parameters)
        return self.terms(a, t, **chosen).sum(axis=1) * self._per_output(a)

    def value(self, a: Array, t: Array, weight: Array | None = None, **parameters: float) -> float:
        """E(a, t)."""
        w = np.ones(len(a)) if weight is None else weight
        return float((w * self.per_sample(a, t, **parameters)).sum() / w.sum())

    def gradient(
        self, a: Array, t: Array, weight: Array | None = None, **parameters: float
    ) -> Array:
        """∂E/∂a^N, shape (B, M_N)."""
        w = np.ones(len(a)) if weight is None else weight
        t, chosen = self._arguments(t, parameters)
        return (w / w.sum())[:, None] * self.slopes(a, t, **chosen) * self._per_output(a)


_definitions: list[Loss] = [
    Loss("mse", lambda a, y: (a - y) ** 2, lambda a, y: 2.0 * (a - y)),
    Loss("mae", lambda a, y: np.abs(a - y), lambda a, y: np.sign(a - y)),
    Loss(
        "huber",
        _huber,
        lambda a, y, delta: np.clip(a - y, -delta, delta),
        defaults={"delta": 1.0},
    ),
    Loss("log_cosh", _log_cosh, lambda a, y: np.tanh(a - y)),
    Loss(
        "quantile",
        _quantile,
        lambda a, y, q: np.where(y > a, -q, np.where(y < a, 1.0 - q, 0.0)),
        defaults={"q": 0.5},
    ),
    Loss(
        "cross_entropy",
        lambda a, t: -t * np.log(a),
        lambda a, t: -t / a,
        mean_over_outputs=False,
        takes_labels=True,
        defaults={"label_smoothing": 0.0},
    ),
    Loss(
        "softmax_cross_entropy",
        lambda a, t: -t * log_softmax(a),
        lambda a, t: softmax(a) * t.sum(axis=1, keepdims=True) - t,
        mean_over_outputs=False,
        takes_labels=True,
        defaults={"label_smoothing": 0.0},
    ),
    Loss(
        "binary_cross_entropy",
        lambda a, y: -y * np.log(a) - (1.0 - y) * np.log1p(-a),
        lambda a, y: -y / a + (1.0 - y) / (1.0 - a),
    ),
    Loss(
        "sigmoid_cross_entropy",
        lambda a, y: softplus(a) - y * a,
        lambda a, y: sigmoid(a) - y,
    ),
    Loss("poisson", lambda a, y: a - y * np.log(a), lambda a, y: 1.0 - y / a),
]

LOSSES: dict[str, Loss] = {loss.name: loss for loss in _definitions}

# cross_entropy with a log_softmax output: a^N are logarithms of probabilities.
NEGATIVE_LOG_LIKELIHOOD = Loss(
    "cross_entropy",
    lambda a, t: -t * a,
    lambda a, t: -t,
    mean_over_outputs=False,
    takes_labels=True,
    defaults={"label_smoothing": 0.0},
)


def loss_for(name: str, output_activation: str) -> Loss:
    """The cost that a network with this output activation uses."""
    if name == "cross_entropy" and output_activation == "log_softmax":
        return NEGATIVE_LOG_LIKELIHOOD
    return LOSSES[name]


# The domain of each loss, as output activations of layer N.
_REAL = ["identity", "tanh", "sigmoid", "softplus", "softmax", "log_softmax", "silu", "exp"]
_LOGITS = ["identity", "tanh", "softplus", "silu", "exp"]
DOMAINS: dict[str, list[str]] = {
    "mse": _REAL,
    "mae": _REAL,
    "huber": _REAL,
    "log_cosh": _REAL,
    "quantile": _REAL,
    "cross_entropy": ["softmax", "log_softmax"],
    "softmax_cross_entropy": [*_LOGITS, "log_softmax"],
    "binary_cross_entropy": ["sigmoid", "softmax"],
    "sigmoid_cross_entropy": _LOGITS,
    "poisson": ["exp", "softplus", "sigmoid", "softmax"],
}
# The output activations with which a loss can be trained. Losses that are not listed fit all.
_PROBABILITIES = {"sigmoid", "hard_sigmoid", "softmax"}
_NOT_NEGATIVE = {"relu", "relu6", "softplus", "exp", *_PROBABILITIES}
FITTING_OUTPUTS: dict[str, set[str]] = {
    "cross_entropy": {"softmax", "log_softmax"},
    "softmax_cross_entropy": set(ACTIVATIONS) - _PROBABILITIES,
    "binary_cross_entropy": _PROBABILITIES,
    "sigmoid_cross_entropy": set(ACTIVATIONS) - _PROBABILITIES - {"log_softmax"},
    "poisson": _NOT_NEGATIVE,
}


def fits(name: str, output: str) -> bool:
    """Whether a network with this output activation can be trained with the loss."""
    return output in FITTING_OUTPUTS.get(name, ACTIVATIONS)


def targets_for(name: str, rows: int, outputs: int, rng: np.random.Generator) -> Array:
    """Targets from the domain of the loss, shape (rows, outputs)."""
    if name in ("cross_entropy", "softmax_cross_entropy"):
        t = rng.random((rows, outputs)) + 0.05
        return t / t.sum(axis=1, keepdims=True)
    if name in ("binary_cross_entropy", "sigmoid_cross_entropy"):
        return rng.random((rows, outputs))
    if name == "poisson":
        return rng.poisson(2.0, (rows, outputs)).astype(np.float64)
    return rng.normal(size=(rows, outputs))

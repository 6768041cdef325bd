"""What a fit minimises: the loss, in the units of scikit-learn, and the penalty.

The core's losses are means over rows and outputs. scikit-learn's gradients are sums over outputs:

    E = value_factor · E_core + offset + (alpha/2 Σ w² + l1 Σ |w|) / W,
    ∂E/∂θ = gradient_factor · ∂E_core/∂θ + (alpha w + l1 sign(w)) / W,

with W the sum of the sample weights of the batch. The two factors differ for several outputs and
the squared error: scikit-learn reports the mean over outputs and descends along the sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import xlogy

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from backpass._core.losses import Loss
    from backpass.network import Network

    Array = NDArray[Any]

# Rows of sparse inputs become dense in blocks of at most this size.
_BLOCK_BYTES = 2**25


@dataclass(frozen=True)
class Objective:
    """The loss of a fit.

    Attributes
    ----------
    loss : Loss
    gradient_factor, value_factor : float
        See the text of this module.
    labels : bool
        Whether the loss gets class numbers (B,) instead of rows of 0 and 1.
    deviance : bool
        Whether the value has the offset Σ_k (y log y − y), as the Poisson deviance.
    repeat : int
        Number of outputs per target.
    weigh : callable, optional
        For a Custom loss, to which the core passes no weights: gets the weights of the next batch.
    """

    loss: Loss
    gradient_factor: float = 1.0
    value_factor: float = 1.0
    labels: bool = False
    deviance: bool = False
    repeat: int = 1
    weigh: Callable[[Array | None], None] | None = None

    def weights(self, weight: Array | None) -> Array | None:
        """Return the weights of a batch for the core. Call this before each use of the loss."""
        if self.weigh is None:
            return weight
        self.weigh(weight)
        return None

    def encode(self, y: Array, dtype: Any) -> Array:
        """Return the targets for the core: (B,) class numbers, or (B, k) numbers."""
        if self.labels:
            labels: Array = y.argmax(axis=1)
            return labels
        y = np.ascontiguousarray(y, dtype=dtype)
        if self.loss.targets == "non_negative" and (y < 0).any():
            raise ValueError(f"loss {self.loss.name!r} needs y >= 0, and y has values < 0")
        return y if self.repeat == 1 else np.repeat(y, self.repeat, axis=1)

    def offsets(self, y: Array) -> Array | None:
        """Return the offset of each row, of shape (B,). A loss without offsets gives None."""
        return (xlogy(y, y) - y).sum(axis=1) if self.deviance else None

    def evaluate(self, net: Network, x: Any, y: Array, weight: Array | None) -> float:
        """Return E without the penalty.

        Parameters
        ----------
        net : Network
        x : ndarray or sparse of shape (B, M_0)
        y : ndarray
            Targets for the core.
        weight : ndarray of shape (B,), optional
        """
        total = rows = 0.0
        for part in blocks(x):
            block = None if weight is None else weight[part]
            share = float(part.stop - part.start if block is None else block.sum())
            if share:
                block = self.weights(block)
                value = net.evaluate(dense(x[part]), y[part], loss=self.loss, sample_weight=block)
                total, rows = total + share * value, rows + share
        value = total / rows * self.value_factor
        offsets = self.offsets(y)
        return value if offsets is None else value + float(np.average(offsets, weights=weight))


def dense(x: Any) -> Array:
    """Return the rows as a contiguous array. Sparse rows become dense."""
    return np.ascontiguousarray(x if isinstance(x, np.ndarray) else x.toarray())


def blocks(x: Any) -> list[slice]:
    """Return slices of rows: one slice if `x` is dense, else blocks that fit into memory."""
    rows = x.shape[0]
    size = rows
    if not isinstance(x, np.ndarray):
        size = max(1, _BLOCK_BYTES // max(1, x.shape[1] * x.dtype.itemsize))
    return [slice(i, min(i + size, rows)) for i in range(0, rows, max(size, 1))]


def predict(net: Network, x: Any) -> Array:
    """Return the outputs (B, M_N) for dense or sparse rows.

    Sparse rows stay sparse: SciPy multiplies them, and NumPy multiplies the rows of later layers.
    """
    if isinstance(x, np.ndarray):
        return net.predict(x)
    a = x.astype(net.dtype, copy=False)
    for layer in net.layers:
        z = a @ layer.weight.T
        a = layer.activation(z if layer.bias is None else z + layer.bias)
    outputs: Array = a
    return outputs

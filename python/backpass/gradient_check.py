"""Backpropagation's gradients against differences of the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

    from backpass.losses import Loss
    from backpass.network import Network

# Central differences at steps h, h/4, h/16, …: the largest is still small against where smooth
# activations bend, the smallest leaves half of a double's digits to the difference.
_FIRST_STEP = 2.0**-7
_SHRINK = 4.0
_STEPS = 8
# A loss is a mean of many terms: its rounding error is several units in the last place.
_ROUNDINGS = 16
# Errors of gradients that are smaller than this part of the largest are measured against that
# part: differences of a loss with 16 digits have none left for them.
_FLOOR = 1e-3


def gradient_check(net: Network, x: ArrayLike, y: ArrayLike, loss: Loss | str) -> float:
    """Compare the gradients with central differences of the loss, in float64.

    Of each parameter p the difference quotients (E(p + h) − E(p − h)) / 2h for shrinking h are
    extrapolated to h = 0 (Richardson 1911), down to an h that no kink, as that of the ReLU, is
    within. Dropout is left out.

    Parameters
    ----------
    net : Network
        Not changed. A float32 network is checked as its float64 copy.
    x, y : array_like
        As for `Network.train_step`.
    loss : Loss or str
        As for `Network.train_step`.

    Returns
    -------
    float
        The largest |g − d| / max(|g|, |d|, 0.001 max|d|) over all parameters, with g the gradient
        and d the difference.

    Examples
    --------
    >>> import numpy as np
    >>> import backpass as bp
    >>> net = bp.Network([3, 5, 2], activation="tanh", seed=0)
    >>> bp.gradient_check(net, np.ones((4, 3)), np.zeros((4, 2)), "mse") < 1e-7
    True
    """
    exact = net._rebuild("float64", keep_dropout=False)  # noqa: SLF001 - the package's own
    exact.loss_and_gradient(x, y, loss=loss)
    gradients = exact.gradients.copy()
    parameters = exact.parameters

    def loss_at(index: int, value: float) -> float:
        before = parameters[index]
        parameters[index] = value
        try:
            return exact.evaluate(x, y, loss=loss)
        finally:
            parameters[index] = before

    differences = np.array(
        [
            _derivative(lambda value, i=i: loss_at(i, value), parameters[i])  # type: ignore[misc]
            for i in range(parameters.size)
        ]
    )
    return _largest_relative_error(gradients, differences)


def _derivative(f: Callable[[float], float], p: float) -> float:
    """Return df/dp from central differences, extrapolated twice, at the first step that settles."""
    step = _FIRST_STEP * max(1.0, abs(p))
    least = np.inf
    result = np.nan
    above: list[float] = []
    for _ in range(_STEPS):
        high, low = f(p + step), f(p - step)
        # Errors are even powers of the step: Richardson's extrapolation takes two of them out.
        row = [(high - low) / (2 * step)]
        for order, coarser in zip((2, 4), above, strict=False):
            factor = _SHRINK**order
            row.append((factor * row[-1] - coarser) / (factor - 1))
        if len(row) == 3:
            # A third extrapolation would move less than the second did. Movement within the
            # rounding of the difference means nothing; beyond it is a kink or a sharp bend.
            error = abs(row[2] - row[1])
            if error < least:
                least, result = error, row[2]
            if error <= _ROUNDINGS * np.spacing(max(abs(high), abs(low))) / step:
                break
        above = row
        step /= _SHRINK
    return result


def _largest_relative_error(gradients: NDArray[Any], differences: NDArray[Any]) -> float:
    magnitudes = np.maximum(np.abs(gradients), np.abs(differences))
    scale = np.maximum(magnitudes, _FLOOR * np.max(np.abs(differences), initial=0.0))
    errors = np.abs(gradients - differences)
    return float(
        np.max(np.divide(errors, scale, out=np.zeros_like(errors), where=errors != 0), initial=0.0)
    )

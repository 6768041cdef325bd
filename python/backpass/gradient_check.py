"""Comparison of the gradients with differences of the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from backpass.losses import Loss
    from backpass.network import Network


def gradient_check(net: Network, x: ArrayLike, y: ArrayLike, loss: Loss | str) -> float:
    """Compare the gradients with central differences of the loss, in float64.

    For every parameter p, the differences (E(p + h) − E(p − h)) / 2h for decreasing h are
    extrapolated to h = 0 (Richardson 1911). h decreases until no kink, for example of the ReLU,
    lies between p − h and p + h. Dropout is not applied.

    Parameters
    ----------
    net : Network
        The network does not change. A float32 network is checked as a float64 copy.
    x, y : array_like
        See `Network.train_step`.
    loss : Loss or str
        See `Network.train_step`.

    Returns
    -------
    float
        The largest |g − d| / max(|g|, |d|, 0.001 max|d|) over all parameters, with g the gradient
        and d the difference. NaN if one of them is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import backpass as bp
    >>> net = bp.Network([3, 5, 2], activation="tanh", seed=0)
    >>> bp.gradient_check(net, np.ones((4, 3)), np.zeros((4, 2)), "mse") < 1e-7
    True
    """
    return net._gradient_check(x, y, loss)  # noqa: SLF001 - a method of this package

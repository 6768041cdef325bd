"""One bound for the gradients of several networks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from backpass import _core
from backpass._arguments import to_number
from backpass.network import Network

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["clip_grad_norm"]


def clip_grad_norm(networks: Network | Iterable[Network], max_norm: float) -> float:
    """Scale gradients so that the 2-norm of all of them together is at most `max_norm`.

    The definition is that of PyTorch's ``clip_grad_norm_``: the factor is max_norm / (norm + 1e-6),
    if that is less than 1. Gradients of frozen layers do not count. For one network,
    ``net.step(optimizer, clip_norm=max_norm)`` does the same.

    Parameters
    ----------
    networks : Network or iterable of Network
        After `backward` or `loss_and_gradient`.
    max_norm : float
        Greater than 0.

    Returns
    -------
    float
        The norm before; infinity if it exceeds the largest float. If it is NaN, all gradients
        become NaN. If a gradient is infinite, infinite gradients become NaN and the others 0.

    Raises
    ------
    ValueError
        If `max_norm` is not greater than 0.
    TypeError
        If an object is not a Network.
    StateError
        If a network is in a call of another thread, or in a callback's step. No gradient changes.

    Examples
    --------
    >>> import numpy as np
    >>> import backpass as bp
    >>> actor, critic = bp.Network([2, 1], bias=False), bp.Network([2, 1], bias=False)
    >>> actor.gradients, critic.gradients = [3, 0], [0, 4]
    >>> bp.clip_grad_norm([actor, critic], 1.0)
    5.0
    >>> np.round(critic.gradients, 3)
    array([0. , 0.8], dtype=float32)
    """
    bound = to_number(max_norm, "max_norm")
    if not bound > 0:
        raise ValueError(f"max_norm must be greater than 0, got {bound}")
    unique = {id(one): one for one in ([networks] if isinstance(networks, Network) else networks)}
    for network in unique.values():
        if not isinstance(network, Network):
            raise TypeError(f"networks must be Network objects, got {network!r}")
    counted = [
        gradient
        for network in unique.values()
        for layer in network.layers
        if layer.trainable
        for gradient in (layer.weight_grad, layer.bias_grad)
        if gradient is not None and gradient.size
    ]
    # Scaled by the largest gradient, squares neither overflow nor vanish. NaN passes np.max.
    largest = float(np.max([np.max(np.abs(one)) for one in counted], initial=0.0))
    relative = 1.0
    if 0 < largest < math.inf:
        squares = sum(float(np.sum((one / largest) ** 2, dtype=np.float64)) for one in counted)
        relative = math.sqrt(squares)
    norm = largest * relative
    # The norm of finite gradients may overflow: scale them by a power of two first.
    scale = 2.0**-64 if largest < math.inf == norm else 1.0
    factor = bound / (largest * scale * relative + 1e-6)
    if not factor >= 1:  # also for NaN
        _core._scale_gradients(list(unique.values()), scale, factor)  # noqa: SLF001
    return norm

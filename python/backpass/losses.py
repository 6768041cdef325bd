"""Costs E(a^N), averaged over the batch, with their gradient ∂E/∂a^N.

Every argument for a loss also accepts its name; `names` returns all names. Every loss can be called
on arrays.

Examples
--------
>>> import backpass as bp
>>> bp.losses.get("huber")
Huber(delta=1.0)
>>> value, grad = bp.losses.Huber(delta=2.0)([[3.0, 0.0]], [[0.0, 1.0]])
>>> value
2.25
>>> grad
array([[ 1. , -0.5]])
"""

from backpass._core.losses import *
from backpass._core.losses import __all__ as __all__

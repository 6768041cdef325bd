"""Activation functions φ, a = φ(z), with PyTorch's definitions and constants.

Every argument for an activation also accepts its name in snake_case.

Examples
--------
>>> import backpass as bp
>>> bp.activations.get("leaky_relu")
LeakyReLU(negative_slope=0.01)
>>> bp.activations.LeakyReLU(0.2)([-1.0, 2.0])
array([-0.2,  2. ])
"""

from backpass._core.activations import *
from backpass._core.activations import __all__ as __all__

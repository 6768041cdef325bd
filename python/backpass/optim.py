"""Optimizers with PyTorch's definitions, argument names and defaults.

An optimizer keeps its state between steps, so one object serves one network. ``lr`` and the other
settings may be changed between steps.

Examples
--------
>>> import backpass as bp
>>> adam = bp.optim.Adam(lr=1e-2)
>>> adam
Adam(lr=0.01, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0, amsgrad=False)
>>> adam.lr = 1e-3
>>> bp.optim.SGD(lr=-1.0)
Traceback (most recent call last):
...
ValueError: SGD: lr = -1, but it must be finite and at least 0
"""

from backpass._core.optim import *
from backpass._core.optim import __all__ as __all__

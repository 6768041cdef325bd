"""Plain, fully connected neural networks on CPUs.

`Network` is the main class, and `Ensemble` trains several networks in one call. `activations`,
`initializers`, `losses`, `optim`, `schedules` and `callbacks` contain the classes of their
arguments. `data` has data sets that are larger than memory.

Examples
--------
>>> import numpy as np
>>> import backpass as bp
>>> x = np.linspace(-3, 3, 200).reshape(-1, 1)
>>> net = bp.Network([1, 32, 1], activation="tanh", seed=0)
>>> history = net.fit(
...     x, np.sin(x), loss="mse", optimizer=bp.optim.Adam(lr=0.01), epochs=100, seed=0
... )
>>> history["loss"][-1] < 0.01
True
"""

import importlib as _importlib
import sys as _sys

from backpass import (
    activations,
    callbacks,
    data,
    initializers,
    losses,
    metrics,
    optim,
    schedules,
)
from backpass._core import __version__
from backpass._signatures import install_all as _install_signatures
from backpass._threadpoolctl import register_when_imported as _register_when_imported
from backpass.callbacks.history import History
from backpass.clipping import clip_grad_norm
from backpass.ensemble import Ensemble
from backpass.errors import DivergenceError, FormatError
from backpass.gradient_check import gradient_check
from backpass.network import Network
from backpass.runtime import config, get_num_threads, set_num_threads, show_config
from backpass.serialize import SavedTraining, load, load_checkpoint

__all__ = [
    "DivergenceError",
    "Ensemble",
    "FormatError",
    "History",
    "Network",
    "SavedTraining",
    "__version__",
    "activations",
    "callbacks",
    "clip_grad_norm",
    "config",
    "data",
    "get_num_threads",
    "gradient_check",
    "initializers",
    "load",
    "load_checkpoint",
    "losses",
    "metrics",
    "optim",
    "schedules",
    "set_num_threads",
    "show_config",
]

_register_when_imported()
_install_signatures(_sys.modules[__name__])


def __getattr__(name: str) -> object:
    """Import a subpackage on first use: each of these needs an extra."""
    if name in ("sklearn", "tabular"):
        return _importlib.import_module(f"backpass.{name}")
    raise AttributeError(f"module 'backpass' has no attribute {name!r}")

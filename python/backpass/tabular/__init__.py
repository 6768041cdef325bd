"""Networks on tables: reading, cleaning and encoding of columns, training, reports, predictions.

`train` learns from a file or a data frame, and `load` opens the model for predictions. The command
``backpass`` is made of the same parts. This package needs the extra ``tabular``.
"""

import sys as _sys

from backpass._signatures import install as _install

try:
    import pandas  # noqa: F401
    import pyarrow  # noqa: F401
    import sklearn  # noqa: F401
except ImportError as error:
    message = f"tables need {error.name}: pip install backpass[tabular]"
    raise ImportError(message, name=error.name) from error

from backpass.tabular.estimators import TabularClassifier, TabularRegressor
from backpass.tabular.model import TableModel, load
from backpass.tabular.options import ColumnOptions, ReadOptions, Settings
from backpass.tabular.outcome import Extra, Outcome
from backpass.tabular.training import train

__all__ = [
    "ColumnOptions",
    "Extra",
    "Outcome",
    "ReadOptions",
    "Settings",
    "TableModel",
    "TabularClassifier",
    "TabularRegressor",
    "load",
    "train",
]

_install(_sys.modules[__name__])

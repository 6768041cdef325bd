"""Networks on tables: reading, cleaning and encoding of columns, training, reports, predictions.

`train` learns from a file or a data frame, and `load` opens the model for predictions. The command
``backpass`` is made of the same parts. This package needs the extra ``tabular``.
"""

import sys as _sys
from importlib.util import find_spec as _find_spec
from typing import TYPE_CHECKING

from backpass._signatures import install as _install

for _name in ("pandas", "pyarrow", "sklearn"):  # importing scikit-learn would take long
    if _find_spec(_name) is None:
        message = f"tables need {_name}: pip install backpass[tabular]"
        raise ImportError(message, name=_name)

from backpass.tabular.model import TableModel, load
from backpass.tabular.options import ColumnOptions, ReadOptions, Settings
from backpass.tabular.outcome import Extra, Outcome
from backpass.tabular.training import train

if TYPE_CHECKING:
    from backpass.tabular.estimators import TabularClassifier, TabularRegressor

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


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import the estimators on first use, because importing scikit-learn takes long."""
        if name in ("TabularClassifier", "TabularRegressor"):
            from backpass.tabular import estimators

            return getattr(estimators, name)
        raise AttributeError(f"module 'backpass.tabular' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

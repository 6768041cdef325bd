"""Conversion between columns of a data set and arrays of a network.

An encoder learns its parameters from the training rows and encodes all later data in exactly the
same way. The metadata of the model file contain the encoder as JSON.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Array = NDArray[Any]
Floats = NDArray[np.float64]

# More categories are probably names or numbers of samples, from which a network learns nothing.
MAX_CATEGORIES = 1000
# An integer target with more distinct values than this is treated as a quantity.
MAX_CLASSES_GUESSED = 20
_VERSION = 1


@dataclass(frozen=True)
class NumericColumn:
    """Standardised numbers: (x - mean) / scale, with `mean` and `scale` of shape (width,)."""

    name: str
    mean: Floats
    scale: Floats

    @property
    def width(self) -> int:
        """The number of inputs for this column."""
        return len(self.mean)

    @classmethod
    def fit(cls, name: str, values: Array, *, shared: bool = False) -> NumericColumn:
        """Learn mean and standard deviation. A constant column gets a scale of 1.

        With `shared`, all features of the column have the same mean and deviation. Use it for
        features with the same unit: pixels of an image that are rarely lit are then not scaled up.
        """
        block = _numbers(name, values)
        if not len(block):
            raise ValueError(f"column {name!r} has no rows to learn from")
        axis = None if shared else 0
        # Divide by the largest value, so that squares neither overflow nor underflow.
        peak = np.atleast_1d(np.abs(block).max(axis=axis))
        peak[peak == 0.0] = 1.0
        block /= peak
        mean = np.atleast_1d(block.mean(axis=axis))
        deviation = np.atleast_1d(block.std(axis=axis))
        # The computed deviation of a constant may be a rounding error instead of zero.
        noise = 8 * np.finfo(np.float64).eps * math.sqrt(block.size)
        mean = mean * peak
        scale = np.where(deviation > noise, deviation * peak, 1.0)
        width = block.shape[1]
        return cls(name, np.broadcast_to(mean, width), np.broadcast_to(scale, width))

    def encode(self, values: Array) -> Floats:
        """Return the inputs, (rows, width)."""
        block = _numbers(self.name, values)
        if block.shape[1] != self.width:
            raise ValueError(
                f"column {self.name!r}: expected {self.width} features, got {block.shape[1]}"
            )
        block -= self.mean  # in place, because this copy may be large
        block /= self.scale
        return block

    def decode(self, values: Floats) -> Floats:
        """Undo `encode`."""
        return values * self.scale + self.mean

    def to_json(self) -> dict[str, Any]:
        """Return the data for `column_from_json`."""
        return {
            "kind": "numeric",
            "name": self.name,
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
        }


@dataclass(frozen=True)
class CategoricalColumn:
    """One input per category: 1 for the category of the row, 0 for the others."""

    name: str
    categories: tuple[str, ...]

    @property
    def width(self) -> int:
        """The number of inputs for this column."""
        return len(self.categories)

    @classmethod
    def fit(cls, name: str, values: Array) -> CategoricalColumn:
        """Collect the categories in sorted order."""
        _refuse_missing(name, values)
        categories = tuple(sorted({str(value) for value in values}))
        if len(categories) > MAX_CATEGORIES:
            raise ValueError(
                f"column {name!r} holds {len(categories)} different texts, which are too many "
                f"for categories (at most {MAX_CATEGORIES}); leave it out"
            )
        return cls(name, categories)

    def encode(self, values: Array) -> Floats:
        """Return the inputs, (rows, width)."""
        _refuse_missing(self.name, values)
        index = {category: i for i, category in enumerate(self.categories)}
        codes = np.array([index.get(str(value), -1) for value in values], dtype=np.intp)
        _refuse_unknown(self.name, values, codes, self.categories)
        return np.eye(self.width)[codes]

    def to_json(self) -> dict[str, Any]:
        """Return the data for `column_from_json`."""
        return {"kind": "categorical", "name": self.name, "categories": list(self.categories)}


Column = NumericColumn | CategoricalColumn


def column_from_json(data: Any) -> Column:
    """Return a column from its `to_json`; raise ValueError if `data` is invalid."""
    entry = data if isinstance(data, dict) else {}
    name, kind = entry.get("name"), entry.get("kind")
    if isinstance(name, str) and kind == "categorical":
        categories = entry.get("categories")
        if isinstance(categories, list) and all(isinstance(c, str) for c in categories):
            return CategoricalColumn(name, tuple(categories))
    if isinstance(name, str) and kind == "numeric":
        mean, scale = _floats(entry.get("mean")), _floats(entry.get("scale"))
        if mean is not None and scale is not None and mean.shape == scale.shape:
            return NumericColumn(name, mean, scale)
    raise ValueError(f"the preprocessing of the column {name!r} is damaged")


def _floats(data: Any) -> Floats | None:
    """Return a non-empty list of finite numbers as an array; None for anything else."""
    if not isinstance(data, list) or not data or not all(isinstance(v, (int, float)) for v in data):
        return None
    try:
        values = np.array(data, dtype=np.float64)
    except OverflowError:
        return None
    return values if np.isfinite(values).all() else None


@dataclass(frozen=True)
class InputEncoder:
    """All input columns, in order."""

    columns: tuple[Column, ...]

    @property
    def width(self) -> int:
        """The number of inputs of the network, M_0."""
        return sum(column.width for column in self.columns)

    @classmethod
    def fit(
        cls,
        inputs: Mapping[str, Array],
        rows: NDArray[np.int64] | None = None,
        *,
        shared: bool = False,
    ) -> InputEncoder:
        """Learn how to encode `inputs`.

        Parameters
        ----------
        inputs : mapping of str to array
            Numbers are standardised. All other columns are categorical.
        rows : array of int, optional
            The rows for means and deviations. Categories are collected from all rows, so that the
            test rows have no unknown category.
        shared : bool
            See `NumericColumn.fit`.

        Raises
        ------
        ValueError
            If a value is missing or infinite. The message names the column and the row.
        """
        columns: list[Column] = []
        for name, values in inputs.items():
            if is_numeric(values):
                _numbers(name, values)  # all rows, so that errors name the row of the file
                known = values if rows is None else values[rows]
                columns.append(NumericColumn.fit(name, known, shared=shared))
            else:
                columns.append(CategoricalColumn.fit(name, values))
        return cls(tuple(columns))

    def encode(self, inputs: Mapping[str, Array]) -> Floats:
        """Return the network's input, (rows, width).

        Columns are found by their names. Additional columns are ignored. If the model was trained
        on one array, all columns together, in order, may replace this array.

        Raises
        ------
        ValueError
            If a column is missing, has another kind or width, or has missing values or unknown
            categories.
        """
        first = self.columns[0]
        # A column of a CSV file has width 1 and is only found by its name.
        is_array = len(self.columns) == 1 and isinstance(first, NumericColumn) and first.width > 1
        if is_array and first.name not in inputs:
            return first.encode(stack_numbers(inputs))
        missing = [column.name for column in self.columns if column.name not in inputs]
        if missing:
            raise ValueError(
                f"no column {missing[0]!r} in the data, which the model needs; "
                f"there are: {', '.join(inputs)}"
            )
        return np.hstack([column.encode(inputs[column.name]) for column in self.columns])

    @property
    def text_columns(self) -> list[str]:
        """Names of the categorical columns."""
        return [c.name for c in self.columns if isinstance(c, CategoricalColumn)]


Label = str | int | float | bool


@dataclass(frozen=True)
class ClassTarget:
    """Class labels of any type, numbered in sorted order."""

    name: str
    labels: tuple[Label, ...]

    @classmethod
    def fit(cls, name: str, values: Array) -> ClassTarget:
        """Collect the labels."""
        if values.ndim != 1:
            raise ValueError(f"target {name!r}: class labels must be 1-D, got shape {values.shape}")
        _refuse_missing(name, values)
        labels = tuple(np.unique(_plain(values)).tolist())
        if len(labels) < 2:
            raise ValueError(f"target {name!r} has a single class, {labels}: nothing to learn")
        return cls(name, labels)

    def encode(self, values: Array) -> NDArray[np.int64]:
        """Return class numbers, (rows,)."""
        _refuse_missing(self.name, values)
        index = {label: i for i, label in enumerate(self.labels)}
        codes = np.array([index.get(v, -1) for v in _plain(values).tolist()], dtype=np.int64)
        _refuse_unknown(self.name, values, codes, self.labels)
        return codes

    def decode(self, codes: NDArray[np.integer[Any]]) -> list[Label]:
        """Return the labels of class numbers."""
        return [self.labels[code] for code in codes]

    def to_json(self) -> dict[str, Any]:
        """Return the data for `target_from_json`."""
        return {"kind": "classes", "name": self.name, "labels": list(self.labels)}


@dataclass(frozen=True)
class NumericTarget:
    """One or several quantities, standardised for the training."""

    column: NumericColumn

    @property
    def name(self) -> str:
        """The target's name."""
        return self.column.name

    @classmethod
    def fit(cls, name: str, values: Array, *, standardise: bool = True) -> NumericTarget:
        """Learn mean and scale. Use 0 and 1 without `standardise`, for a cost of raw numbers."""
        if not is_numeric(values):
            raise ValueError(f"target {name!r} is not numeric; regression needs numbers")
        column = NumericColumn.fit(name, values)
        if not standardise:
            ones = np.ones(column.width)
            column = NumericColumn(name, 0.0 * ones, ones)
        return cls(column)

    def to_json(self) -> dict[str, Any]:
        """Return the data for `target_from_json`."""
        return self.column.to_json()


Target = ClassTarget | NumericTarget


def target_from_json(data: Any) -> Target:
    """Return a target from its `to_json`; raise ValueError if `data` is invalid."""
    if isinstance(data, dict) and data.get("kind") == "classes":
        labels, name = data.get("labels"), data.get("name")
        sound = isinstance(labels, list) and all(isinstance(v, (str, int, float)) for v in labels)
        if isinstance(name, str) and isinstance(labels, list) and sound:
            return ClassTarget(name, tuple(labels))
        raise ValueError("the class labels in the file are damaged")
    column = column_from_json(data)
    if isinstance(column, NumericColumn):
        return NumericTarget(column)
    raise ValueError("the target in the file is damaged: it is an input column")


def guess_task(values: Array) -> str:
    """Guess ``"classification"`` or ``"regression"`` from a target.

    Texts, booleans and integers with few distinct values are classes. All other targets are
    quantities.
    """
    if not is_numeric(values) or values.dtype.kind == "b":
        return "classification"
    few = values.dtype.kind in "iu" and len(np.unique(values)) <= MAX_CLASSES_GUESSED
    return "classification" if few and values.ndim == 1 else "regression"


def preprocessing_to_json(encoder: InputEncoder, target: Target) -> str:
    """Return the encoder and the target as one JSON text."""
    return json.dumps(
        {
            "version": _VERSION,
            "inputs": [column.to_json() for column in encoder.columns],
            "target": target.to_json(),
        },
        allow_nan=False,
    )


def preprocessing_from_json(text: str) -> tuple[InputEncoder, Target]:
    """Return the encoder and the target from the result of `preprocessing_to_json`.

    Raises
    ------
    ValueError
        If the text is not such a result.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the preprocessing in the file is not JSON: {error}") from error
    inputs = data.get("inputs") if isinstance(data, dict) else None
    if not isinstance(inputs, list) or not inputs:
        raise ValueError("the preprocessing in the file has no input columns")
    if data.get("version") != _VERSION:
        raise ValueError(
            f"the preprocessing in the file has version {data.get('version')!r}, "
            f"this program knows version {_VERSION}"
        )
    columns = tuple(column_from_json(column) for column in inputs)
    return InputEncoder(columns), target_from_json(data.get("target"))


def is_numeric(values: Array) -> bool:
    """Return whether a column contains real numbers or booleans."""
    return values.dtype.kind in "biuf"


def stack_numbers(inputs: Mapping[str, Array]) -> Floats:
    """Return all columns side by side, (rows, features); raise ValueError for text."""
    return np.hstack([_numbers(name, values) for name, values in inputs.items()])


def _numbers(name: str, values: Array) -> Floats:
    """Return a copy of the values as (rows, width) in double precision; all must be finite."""
    # A column without rows may have any type.
    if len(values) and not is_numeric(values):
        first = next((value for value in values.tolist() if value is not None), None)
        if first is None:
            _refuse_missing(name, values)
        raise ValueError(f"column {name!r} must be numeric, got {first!r}")
    block = values.reshape(len(values), math.prod(values.shape[1:])).astype(np.float64)
    bad = ~np.isfinite(block).all(axis=1)
    if bad.any():
        raise ValueError(
            f"column {name!r} has {int(bad.sum())} rows with missing or infinite values, "
            f"the first is row {int(bad.argmax()) + 1}"
        )
    return block


def _plain(values: Array) -> Array:
    """Return texts as a NumPy string array, which can be sorted, and numbers as they are."""
    return values if is_numeric(values) else values.astype(str)


def _refuse_missing(name: str, values: Array) -> None:
    if values.dtype.kind == "O":
        missing = np.array([value is None or value != value for value in values], dtype=bool)
    elif values.dtype.kind == "f":
        missing = np.isnan(values)
    else:
        return
    if missing.any():
        raise ValueError(
            f"column {name!r} has {int(missing.sum())} missing values, "
            f"the first is row {int(missing.argmax()) + 1}"
        )


def _refuse_unknown(name: str, values: Array, codes: Array, known: Sequence[object]) -> None:
    if len(codes) and codes.min() < 0:
        row = int(codes.argmin())
        shown = ", ".join(map(repr, known[:10])) + (", …" if len(known) > 10 else "")
        raise ValueError(
            f"column {name!r}, row {row + 1}: {values[row]!r} is unknown; known values: {shown}"
        )

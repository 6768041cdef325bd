"""The rows of a data set for training: their targets, and their inputs once an encoder is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from backpass.tabular.arrays import ArrayData, ArrayEncoder
from backpass.tabular.facts import blocks_of
from backpass.tabular.kinds import plan_lines
from backpass.tabular.numbers import NumberStyle
from backpass.tabular.table_inputs import TableInputs
from backpass.tabular.targets import (
    MAX_CLASSES_OF_NUMBERS,
    ClassTarget,
    NumberTarget,
    Target,
    check_classes,
    decide_target,
    read_target,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from backpass.tabular.encoder import TableEncoder
    from backpass.tabular.options import ColumnOptions, ReadOptions
    from backpass.tabular.sources import Table
    from backpass.tabular.unseen import Unseen

    Rows = NDArray[np.int64]


class TableRows(TableInputs):
    """The rows of a table that have a target. After the first pass, a second one reads the targets.

    Attributes
    ----------
    target : Target
        Without scales.
    values : array
        Class numbers (rows,), or numbers (rows, targets).
    notes : list of str
        Warnings for the user.
    """

    def __init__(
        self,
        table: Table,
        targets: Sequence[str],
        task: str,
        options: ColumnOptions,
        read: ReadOptions | None = None,
    ) -> None:
        double = next((name for name in targets if name in table.doubles), None)
        if double is not None:
            raise ValueError(
                f"{table.name}, line 1: several columns are named {double!r}, the target: rename "
                "the others, or the model would learn from a copy of the target"
            )
        super().__init__(table, options, read, targets)
        self.target, warnings = decide_target(targets, self.facts, task, options, self.decimal)
        found = [
            read_target(self.target, [block[name] for name in targets])
            for block in blocks_of(table, targets)
        ]
        self._known = np.concatenate([known for _, known in found])
        self.values: NDArray[Any] = np.concatenate([values for values, _ in found])[self._known]
        self.notes = [*table.notes, *warnings]
        for name, kind in self.kinds.items():
            if kind.strays or (not kind.is_input and options.of(name) is None):
                self.notes.append(f"column {name!r}: {kind.note}")
        dropped = len(self._known) - len(self.values)
        if dropped:
            self.notes.append(f"target {self.target.name!r}: {dropped_rows(dropped, 'value')}")

    def plan(self) -> list[str]:
        """Return a table of the columns and of what becomes of them, as lines of text."""
        return list(plan_lines(self.facts, self.kinds))


def dropped_rows(count: int, what: str) -> str:
    """Return the note on rows without a target."""
    if count == 1:
        return f"1 row has no {what}; it is left out"
    return f"{count} rows have no {what}; they are left out"


class ArrayRows:
    """The rows of a data set that is arrays; as `TableRows`."""

    def __init__(self, data: ArrayData, task: str) -> None:
        if data.y is None:
            raise ValueError(f"{data.name}: there is no target; an IDX file needs --labels")
        self._data = data
        self.notes: list[str] = []
        self.ids: list[str] = []
        self.target, self.values = _array_target(data, task)

    def plan(self) -> list[str]:
        """Return nothing: all inputs are standardised numbers."""
        return []

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.values)

    def fit(self, train: Rows) -> ArrayEncoder:
        """Return an encoder that has learned from the given rows."""
        return ArrayEncoder.fit(self._data.x[train], shared=self._data.images)

    def encode(
        self,
        encoder: ArrayEncoder,
        parts: Sequence[Rows],
        dtype: Any,
    ) -> list[NDArray[Any]]:
        """Return the inputs of the rows of each part, (rows, width)."""
        return [encoder.encode(self._data.x[part], dtype) for part in parts]


def encode_table(
    table: Table, encoder: TableEncoder, target: Target, dtype: Any
) -> tuple[NDArray[Any], NDArray[Any], list[str]]:
    """Return inputs and targets of the rows of another table that have a target, and notes."""
    encoder.check(table.columns)
    names = list(target.names)
    for name in names:
        if name not in table.columns:
            raise ValueError(f"{table.name}: no column {name!r}, the target")
    counts: dict[str, Unseen] = {}
    dropped = 0
    inputs, values = [np.empty((0, encoder.width), dtype)], []
    for block in blocks_of(table, [*encoder.names, *names]):
        y, known = read_target(target, [block[name] for name in names])
        mask = pa.array(known)
        chosen = {name: block[name].filter(mask) for name in encoder.names}
        inputs.append(encoder.encode(chosen, dtype, counts))
        values.append(y[known])
        dropped += int((~known).sum())
    if not sum(map(len, values)):
        raise ValueError(f"{table.name}: no row has a value of {target.name!r} that is known")
    notes = encoder.describe(counts)
    if dropped:
        notes.append(f"target {target.name!r}: {dropped_rows(dropped, 'known value')}")
    return np.concatenate(inputs), np.concatenate(values), notes


def _array_target(data: ArrayData, task: str) -> tuple[Target, NDArray[Any]]:
    y = np.asarray(data.y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.dtype.kind not in "biuf":
        if y.dtype.kind not in "US":
            raise ValueError(f"{data.name}: the target has the type {y.dtype}")
        y = y.astype(str)
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise ValueError(f"{data.name}: the target has missing or infinite values")
    unique = np.unique(y)
    whole = y.dtype.kind in "biuU" or bool(
        ((unique == np.rint(unique)) & (np.abs(unique) < 2.0**53)).all()
    )
    few = y.dtype.kind in "bU" or len(unique) <= MAX_CLASSES_OF_NUMBERS
    if task == "classification" or (task == "auto" and y.ndim == 1 and whole and few):
        if y.ndim != 1:
            raise ValueError(f"target {data.target!r}: class labels must be 1-D, got {y.shape}")
        if not whole:
            raise ValueError(f"target {data.target!r}: class labels must be whole numbers or texts")
        check_classes(data.target, unique.tolist(), len(y))
        labels = unique.astype(np.int64) if y.dtype.kind == "f" else unique
        return ClassTarget(data.target, tuple(labels.tolist())), np.searchsorted(unique, y)
    if y.dtype.kind == "U":
        raise ValueError(f"target {data.target!r} is not numeric; a regression needs numbers")
    values = y.reshape(len(y), -1).astype(np.float64)
    width = values.shape[1]
    names = [data.target] if width == 1 else [f"{data.target}{i}" for i in range(width)]
    return NumberTarget(tuple(names), (NumberStyle(),) * width, ()), values

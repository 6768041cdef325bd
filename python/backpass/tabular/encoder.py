"""All input columns of a table: from rows of a table to the inputs of a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from backpass.tabular.columns import CLASSES, Column, column_from_json
from backpass.tabular.kinds import require_columns
from backpass.tabular.scales import Scale
from backpass.tabular.unseen import EXAMPLES, Unseen, unseen_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from backpass.tabular.columns import FitScale
    from backpass.tabular.kinds import Kind


@dataclass(frozen=True)
class TableEncoder:
    """The encoders of the input columns, in the order of the network's inputs."""

    columns: tuple[Column, ...]

    @property
    def width(self) -> int:
        """The number of inputs of the network."""
        return sum(column.width for column in self.columns)

    @property
    def inputs(self) -> list[str]:
        """The meaning of each input of the network, in order."""
        return [name for column in self.columns for name in column.inputs]

    @property
    def names(self) -> list[str]:
        """The columns of the table that are inputs."""
        return [column.name for column in self.columns]

    def check(self, names: Sequence[str]) -> None:
        """Raise ValueError, with the names, if the table lacks columns."""
        require_columns(self.names, names)

    def encode(
        self, block: Mapping[str, pa.Array], dtype: Any, counts: dict[str, Unseen]
    ) -> NDArray[Any]:
        """Return the inputs of one block of normalised columns, (rows, width).

        `counts` gets what training did not have, for each column.
        """
        values = {}
        for column in self.columns:
            values[column.name], texts = column.read(block[column.name])
            strays = Unseen(strays=len(texts), examples=texts[:EXAMPLES].to_pylist())
            # They are missing values, but count only once.
            strays.missing = 0 if column.missing else -strays.strays
            counts.setdefault(column.name, Unseen()).add(strays)
        rows = len(next(iter(block.values())))
        out = np.empty((rows, self.width), dtype)
        self.write(values, out, counts)
        return out

    def write(
        self, values: Mapping[str, Any], out: NDArray[Any], counts: dict[str, Unseen]
    ) -> None:
        """Write the inputs of values that the columns have read to `out`, (rows, width)."""
        start = 0
        for column in self.columns:
            stop = start + column.width
            unseen = column.write(values[column.name], out[:, start:stop])
            counts.setdefault(column.name, Unseen()).add(unseen)
            start = stop

    def describe(self, counts: Mapping[str, Unseen]) -> list[str]:
        """Return one line per column for `counts` of `encode`."""
        return list(unseen_lines(counts, {column.name: column.kind for column in self.columns}))

    def to_json(self) -> list[dict[str, Any]]:
        """Return the data for `from_json`."""
        return [column.to_json() for column in self.columns]

    @classmethod
    def from_json(cls, data: Any) -> TableEncoder:
        """Return an encoder from its `to_json`; raise ValueError if `data` is not such data."""
        if not isinstance(data, list) or not data:
            raise ValueError("there are no input columns")
        return cls(tuple(column_from_json(column) for column in data))


def fit_column(
    name: str, kind: Kind, values: Sequence[Any], fit_scale: FitScale = Scale.fit
) -> Column:
    """Return the encoder of a column of the kind "number", "category" or "date".

    Parameters
    ----------
    values : sequence of arrays
        Blocks that the column of `reader_of` has read; the rows for training only.
    fit_scale : callable
        Returns the scale of a number, from its values (rows,).
    """
    column: Column = CLASSES[kind.kind].fit(name, kind, values, fit_scale)
    return column


def reader_of(name: str, kind: Kind) -> Column:
    """Return a column that reads values; it has learned nothing."""
    nothing: Any = np.empty(0)
    if kind.kind == "category":
        nothing = pa.array([], pa.string()).dictionary_encode()
    return fit_column(name, kind, [nothing])
